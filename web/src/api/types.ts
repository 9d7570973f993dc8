/**
 * The server's types, made from its OpenAPI document (`schema.ts`). Times are RFC 3339 UTC, ids 24
 * hex digits.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type OutputProject = Schemas["ProjectView"];
/** A project's own settings; `null` means the server's default. */
export type ProjectSettings = Schemas["ProjectSettings"];
/** Absent fields stay. */
export type ProjectChange = Schemas["ProjectChange"];
/** A project with its present activity. */
export type ListedProject = Schemas["ListedProject"];
export type SessionSummary = Schemas["SessionSummary"];
/** An order of the list of projects. */
export type ProjectSort = "attention" | "created" | "activity" | "name";
export type OutputProjectList = Schemas["ProjectList"];
export type NewOutputProject = Schemas["NewProject"];

export type MilestoneStatus = Milestone["status"];
export type Milestone = Schemas["MilestoneView"];
export type MilestoneList = Schemas["MilestoneList"];
/** Another status, or other texts of a pending one. */
export type MilestoneChange = Schemas["MilestoneChange"];
export type NewMilestone = Schemas["NewMilestone"];

export type Session = Schemas["SessionView"];
export type SessionStatus = Session["status"];
export type AgentState = Session["agent_state"];
export type HistoryEntry = Schemas["HistoryView"];
export type SessionExit = Schemas["ExitView"];
/** A terminal client of a session. */
export type Member = Schemas["MemberView"];
/** Percentages of 100; `null` for what is not known. */
export type Usage = Schemas["UsageView"];
/** What the server keeps of a project's conversations. */
export type Kept = Schemas["KeptView"];
/** A usage limit of the agent's account. */
export type UsageLimit = Schemas["LimitView"];

/** A question of the agent, with its choices. */
export type Ask = Schemas["AskView"];
export type Question = Schemas["QuestionView"];
export type QuestionOption = Schemas["QuestionOptionView"];
/** The answer to a single question: option labels, a free text, or both for a multi-select question. */
export type QuestionAnswer = Schemas["QuestionAnswer"];
/** An option, or an answer to each question, in order. */
export type Answer = Schemas["GivenAnswer"];

/** A headless run of a prompt. */
export type Run = Schemas["RunView"];
export type RunState = Run["state"];
export type RunList = Schemas["RunList"];

export type Delivery = Schemas["DeliveryView"];
export type DeliveryState = Delivery["state"];
export type NewDelivery = Schemas["NewText"];
/** Absent fields stay. */
export type DeliveryChange = Schemas["DeliveryChange"];
export type DeliveryList = Schemas["DeliveryList"];

export type Planning = Schemas["Planning"];
export type PlanningProgress = Schemas["PlanningProgress"];
export type Phase = Schemas["PlannedPhase"];
export type Created = Schemas["CreatedEntries"];

export type Conversation = Schemas["Conversation"];
export type Turn = Schemas["ConversationTurn"];
export type Block = Schemas["Block"];
export type ToolResult = Schemas["ToolResult"];
export type SearchHit = Schemas["SearchHit"];
export type SearchResult = Schemas["SearchResult"];
/** The changes of a milestone, in git's form. */
export type Changes = Schemas["MilestoneChanges"];
export type ChangedFile = Schemas["ChangedFile"];

/** The sender of a request. */
export type CallerView = Schemas["CallerView"];
export type Role = CallerView["role"];
/** A token, a login or a share link, without its secret. */
export type Credential = Schemas["CredentialView"];
export type NewToken = Schemas["NewToken"];
export type AuditEntry = Schemas["EntryView"];
export type AuditList = Schemas["AuditList"];
