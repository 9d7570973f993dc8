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
  /** Who moved it where it is, or tried to: `user`, `delivery`; `null` for one that never moved. */
  status_by: string | null;
  /** Why it was moved; for a pending one whose command failed, why it was not. */
  status_reason: string | null;
  /** From 1, for one whose command waits behind others. */
  place_in_line: number | null;
  /** In lists the beginning of a long one. */
  context?: string | null;
  /** Whether `context` is less than the whole. */
  context_truncated?: boolean;
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
  /** What stands on the agent's screen and waits for an answer. */
  asks: Ask | null;
  /** What the user should know about how the session runs. */
  warning: string | null;
  /** The run under way, for which no session can be started. */
  run: Run | null;
  /** Why it could not be resumed when the server started, and what to do; null once a session was started. */
  resume_error: string | null;
}

/** What the agent asks, and what may be answered. */
export interface Ask {
  /** An answer names it, so that it cannot reach another ask. */
  id: string;
  kind: "permission" | "question" | "dialog";
  /** The name of what is on the screen: `permission`, `question`, `trust_folder`, `auto_mode_offer`, … */
  dialog: string;
  tool_name: string | null;
  /** What the tool is to be called with. */
  tool_input: unknown;
  /** Empty where it is no question. */
  questions: Question[];
  /** The choices on the screen, in the agent's words; empty while they are not known. */
  options: string[];
  /** The index of the choice that Enter would take. */
  selected: number | null;
}

export interface Question {
  question: string;
  /** A word or two for it. */
  header: string;
  multi_select: boolean;
  options: QuestionOption[];
}

export interface QuestionOption {
  label: string;
  description: string;
}

/** The answer to one question: labels of its options, or own words, or both where several may be chosen. */
export interface QuestionAnswer {
  options: string[];
  text: string | null;
}

/** One of the options, or an answer to each question in their order. */
export type Answer = { id: string; option: string } | { id: string; answers: QuestionAnswer[] };

export type RunState = "running" | "succeeded" | "failed" | "stopped";

/** A prompt that was carried out without a terminal. */
export interface Run {
  id: string;
  output_project_id: string;
  claude_session_id: string | null;
  state: RunState;
  prompt: string;
  /** The agent's last words. */
  result: string | null;
  error: string | null;
  started_at: string;
  ended_at: string | null;
  exit: { code: number | null; signal: number | null } | null;
}

export interface RunList {
  runs: Run[];
  total: number;
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

/** What `.planning/` tells, of which the page shows a part. */
export interface Planning {
  phases: Phase[];
  progress: PlanningProgress;
  /** What came while which milestone was the one in work. */
  created: Created[];
  /** Folders of planning outside of the project's one `.planning/`, as paths in the workspace. */
  misplaced: string[];
}

export interface PlanningProgress {
  phases_complete: number;
  phases_total: number;
  plans_complete: number;
  plans_total: number;
  percent: number;
}

export interface Phase {
  number: string;
  name: string | null;
  folder: string | null;
  plans: { id: string; title: string | null; has_summary: boolean }[];
  complete: boolean;
  /** The milestone that made it. */
  milestone_id: string | null;
}

export interface Created {
  milestone_id: string;
  element_name: string | null;
  /** Files and folders below `.planning/`, not all of them where `total` is larger. */
  paths: string[];
  total: number;
}
