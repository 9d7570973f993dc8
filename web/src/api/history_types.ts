/** Types of conversations, changes and access, named as in the OpenAPI document. */

export interface Turn {
  id: string;
  at: string | null;
  role: "user" | "assistant" | "system";
  blocks: Block[];
  truncated: boolean;
  milestone_id: string | null;
  delivery_id: string | null;
}

export type Block =
  | { type: "text"; text: string }
  | { type: "tool"; id: string; name: string; input: unknown; result: ToolResult | null }
  | {
      type: "question";
      id: string;
      questions: { question: string; header: string; options: string[] }[];
      answers: Record<string, string> | null;
      refused: boolean;
    }
  | { type: "compaction"; trigger: string | null; summary: string | null }
  | { type: "error"; text: string }
  | { type: "refusal"; hook: string | null; text: string };

export interface ToolResult {
  text: string;
  is_error: boolean;
  refused_by: "user" | "hook" | "rule" | null;
}

export interface Conversation {
  claude_session_id: string | null;
  /** Oldest first. */
  turns: Turn[];
  /** The `before` of the earlier page. */
  next: string | null;
}

export interface SearchHit {
  project_id: string;
  claude_session_id: string;
  turn_id: string;
  at: string | null;
  snippet: string;
  /** The `before` of the page that ends with the turn. */
  before: string;
}

export interface SearchResult {
  hits: SearchHit[];
  next: string | null;
}

export interface Changes {
  base: string;
  files: ChangedFile[];
  /** In git's form. */
  patch: string;
  truncated: boolean;
}

export interface ChangedFile {
  path: string;
  status: "added" | "modified" | "deleted" | "type_changed";
  /** `null` for a binary file. */
  additions: number | null;
  deletions: number | null;
}

/** The sender of a request. */
export interface CallerView {
  name: string;
  role: Role;
  /** The only project; `null` for all. */
  project_id: string | null;
}

export type Role = "viewer" | "operator" | "admin";

/** A token, a login or a share link, without its secret. */
export interface Credential {
  id: string;
  name: string;
  role: Role;
  /** `null` for all projects. */
  project_id: string | null;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  last_use: { at: string; address: string } | null;
}

export interface NewToken {
  name: string;
  role: Role;
  project_id?: string;
  expires_in_s?: number;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  address: string;
  action: string;
  project_id: string | null;
  /** `ok`, or the status of a refusal. */
  outcome: string;
}

export interface AuditList {
  /** Newest first. */
  entries: AuditEntry[];
  next: string | null;
}
