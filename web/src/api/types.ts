/**
 * Types of the server's API, named as in its OpenAPI document. Times are RFC 3339 UTC, ids 24 hex
 * digits.
 */

export interface OutputProject {
  id: string;
  name: string;
  workspace_path: string;
  status: "created" | "initialized" | "active";
  claude_session_id?: string | null;
  settings: ProjectSettings;
  created_at: string;
  updated_at: string | null;
}

/** A project's own settings; `null` means the server's default. */
export interface ProjectSettings {
  permission_mode: string | null;
  model: string | null;
  args: string[] | null;
  /** The names of its variables; the server never shows their values. */
  env: string[] | null;
  claude_config_dir: string | null;
  hibernate_after_s: number | null;
  mirror?: boolean | null;
}

/** Absent fields stay. */
export interface ProjectChange {
  name?: string;
  workspace_path?: string;
  settings?: Partial<Omit<ProjectSettings, "env">> & { env?: Record<string, string | null> | null };
}

/** A project with its present activity. */
export interface ListedProject extends OutputProject {
  session: SessionSummary;
  last_activity_at: string;
  /** The newest milestone in progress. */
  milestone: { id: string; element_name: string; status: MilestoneStatus } | null;
  progress: PlanningProgress | null;
}

export interface SessionSummary {
  status: SessionStatus;
  agent_state: AgentState;
  asks: Ask | null;
  limit: UsageLimit | null;
  /** The node that runs the session, if the store has several nodes. */
  node: string | null;
}

export interface OutputProjectList {
  projects: ListedProject[];
  total: number;
}

export type ProjectSort = "attention" | "created" | "activity" | "name";

export interface NewOutputProject {
  name: string;
  /** An absolute existing folder; the server creates one if absent. */
  workspace_path?: string;
}

export type MilestoneStatus = "pending" | "in_progress" | "completed" | "failed";

export interface Milestone {
  id: string;
  output_project_id: string;
  element_name: string;
  element_id: string | null;
  status: MilestoneStatus;
  /** The origin of the last change or attempt: `user`, `delivery`; `null` before the first. */
  status_by: string | null;
  /** The reason of the last change; for a pending milestone, why the command failed. */
  status_reason: string | null;
  /** Position in the queue, from 1. */
  place_in_line: number | null;
  /** In lists the beginning of a long context. */
  context?: string | null;
  /** Whether `context` is less than the whole. */
  context_truncated?: boolean;
  /** The delivery of the command, once started. */
  delivery_id?: string | null;
  created_at: string;
  updated_at?: string | null;
  completed_at: string | null;
}

export interface MilestoneList {
  milestones: Milestone[];
  total: number;
}

export interface NewMilestone {
  output_project_id: string;
  element_name: string;
  element_id?: string;
  /** Markdown, kept for MILESTONE-CONTEXT.md. */
  context?: string;
}

export type SessionStatus = "none" | "starting" | "running" | "exited" | "hibernated";

export type AgentState =
  | "starting"
  | "idle"
  | "working"
  | "waiting_permission"
  | "waiting_question"
  | "waiting_limit"
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
  /** `exited`, `signaled`, `stopped` on request, `hibernated` while idle, or what went wrong. */
  reason: string | null;
}

export interface Session {
  status: SessionStatus;
  agent_state: AgentState;
  /** The name of the open dialog, if any. */
  dialog: string | null;
  session_id: string | null;
  claude_session_id: string | null;
  claude_session_history: HistoryEntry[];
  claude_version: string | null;
  /** The permission mode and the model in effect, once known. */
  permission_mode: string | null;
  model: string | null;
  pid: number | null;
  started_at: string | null;
  cols: number | null;
  rows: number | null;
  clients: number;
  /** The attached terminal clients, the earliest first. */
  present?: Member[];
  exit: SessionExit | null;
  /** The pending question on the agent's screen. */
  asks: Ask | null;
  /** The account's usage limit; the agent waits for the reset. */
  limit: UsageLimit | null;
  /** What the account and the conversation have used, as far as known. */
  usage?: Usage | null;
  /** The copies of the project's conversations; null without a copy. */
  kept?: Kept | null;
  /** The node that runs the session, if the store has several nodes. */
  node?: string | null;
  /** A problem of the session that the user should know. */
  warning: string | null;
  /** The run in progress; a run excludes a session. */
  run: Run | null;
  /**
   * Why the server could not resume the session at its start, with a remedy; null after the next
   * start.
   */
  resume_error: string | null;
}

/** A terminal client of a session. */
export interface Member {
  client: number;
  /** The name of its credential. */
  name: string;
  read_only: boolean;
  /** The session has the size of its window. */
  drives: boolean;
  since: string;
}

/** Percentages of 100; `null` for what is not known. */
export interface Usage {
  context_percent: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
  five_hour_percent: number | null;
  seven_day_percent: number | null;
}

/** What the server keeps of a project's conversations. */
export interface Kept {
  bytes: number;
  bytes_max: number;
  /** Results of tools that were dropped at the bound. */
  dropped_bytes: number;
  /** Entries of the current conversation that the disk lost. */
  damaged_entries: number;
}

/** A usage limit of the agent's account. */
export interface UsageLimit {
  /** The agent's words. */
  reason: string;
  /** When the account may be used again, if known. */
  resets_at: string | null;
}

/** A question of the agent, with its choices. */
export interface Ask {
  /** An answer names this id, and so cannot reach another question. */
  id: string;
  kind: "permission" | "question" | "dialog";
  /** The name of the dialog: `permission`, `question`, `trust_folder`, `auto_mode_offer`, … */
  dialog: string;
  tool_name: string | null;
  /** The tool's input. */
  tool_input: unknown;
  /** Empty for other kinds. */
  questions: Question[];
  /** The choices on the screen, in the agent's words; empty while unknown. */
  options: string[];
  /** The index of the choice of Enter. */
  selected: number | null;
}

export interface Question {
  question: string;
  /** A short title. */
  header: string;
  multi_select: boolean;
  options: QuestionOption[];
}

export interface QuestionOption {
  label: string;
  description: string;
}

/** The answer to a single question: option labels, a free text, or both for a multi-select question. */
export interface QuestionAnswer {
  options: string[];
  text: string | null;
}

/** An option, or an answer to each question, in order. */
export type Answer = { id: string; option: string } | { id: string; answers: QuestionAnswer[] };

export type RunState = "running" | "succeeded" | "failed" | "stopped";

/** A headless run of a prompt. */
export interface Run {
  id: string;
  output_project_id: string;
  claude_session_id: string | null;
  state: RunState;
  prompt: string;
  /** The agent's result. */
  result: string | null;
  error: string | null;
  /** What to know besides the outcome. */
  warning: string | null;
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
  /** The reason of a failure, or the present obstacle. */
  error: string | null;
  text?: string;
  milestone_id?: string | null;
  /** The delivery waits until this time. */
  not_before?: string | null;
  /** The delivery goes into a running turn. */
  steer?: boolean;
  /** The number of edits of the text, changes of the time, and moves in the queue. */
  edits?: number;
  /** In lists the beginning of a long text. */
  text_truncated?: boolean;
  created_at?: string;
}

export interface NewDelivery {
  text: string;
  idempotency_key?: string;
  not_before?: string;
  steer?: boolean;
}

/** Absent fields stay. */
export interface DeliveryChange {
  text?: string;
  not_before?: string | null;
  /** Moves it before this one. */
  before?: string;
}

export interface DeliveryList {
  deliveries: Delivery[];
  total: number;
}

/** The used part of the planning view. */
export interface Planning {
  phases: Phase[];
  progress: PlanningProgress;
  /** Entries by the milestone in work at their creation. */
  created: Created[];
  /** Planning folders outside the project's one `.planning/`, as paths in the workspace. */
  misplaced: string[];
}

export interface PlanningProgress {
  phases_complete: number;
  /** Phases with only executed plans, and complete phases. */
  phases_executed: number;
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
  /** The entry's creating milestone. */
  milestone_id: string | null;
}

export interface Created {
  milestone_id: string;
  element_name: string | null;
  /** Files and folders below `.planning/`; more exist when `total` is larger. */
  paths: string[];
  total: number;
}
