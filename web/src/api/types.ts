/** What the server's API says, by the names of its OpenAPI document. Times are RFC 3339 UTC, ids 24 hex digits. */

export interface OutputProject {
  id: string;
  name: string;
  workspace_path: string;
  status: "created" | "initialized" | "active";
  claude_session_id?: string | null;
  created_at: string;
  updated_at: string | null;
}

export interface OutputProjectList {
  projects: OutputProject[];
  total: number;
}

export interface NewOutputProject {
  name: string;
  /** An absolute existing folder; without it the server makes one. */
  workspace_path?: string;
}

export type MilestoneStatus = "pending" | "in_progress" | "completed" | "failed";

export interface Milestone {
  id: string;
  output_project_id: string;
  element_name: string;
  element_id: string | null;
  status: MilestoneStatus;
  context?: string | null;
  /** The delivery that carries its command, once it was started. */
  delivery_id?: string | null;
  created_at: string;
  completed_at: string | null;
}

export interface MilestoneList {
  milestones: Milestone[];
  total: number;
}

export interface NewMilestone {
  output_project_id: string;
  element_name: string;
  /** Markdown, kept for MILESTONE-CONTEXT.md. */
  context?: string;
}

export type SessionStatus = "none" | "starting" | "running" | "exited";

export type AgentState =
  | "starting"
  | "idle"
  | "working"
  | "waiting_permission"
  | "waiting_question"
  | "blocked_dialog"
  | "unknown";

export interface HistoryEntry {
  id: string;
  since: string;
  until: string | null;
  source: string;
  reason: string | null;
  transcript_path: string | null;
}

export interface SessionExit {
  code: number | null;
  signal: number | null;
  at: string;
  /** `exited`, `signaled`, `stopped` on request, or what went wrong. */
  reason: string | null;
}

export interface Session {
  status: SessionStatus;
  agent_state: AgentState;
  /** The name of the dialog that stands in the way, if any. */
  dialog: string | null;
  session_id: string | null;
  claude_session_id: string | null;
  claude_session_history: HistoryEntry[];
  claude_version: string | null;
  pid: number | null;
  started_at: string | null;
  cols: number | null;
  rows: number | null;
  clients: number;
  exit: SessionExit | null;
}

export type DeliveryState = "queued" | "written" | "submitted" | "failed";

export interface Delivery {
  id: string;
  state: DeliveryState;
  attempts: number;
  /** Why it failed, or the dialog that it waits behind. */
  error: string | null;
  text?: string;
  milestone_id?: string | null;
  created_at?: string;
}

export interface DeliveryList {
  deliveries: Delivery[];
  total: number;
}
