/** Calls of the server's API, a function for each route. */
import { addressOf, call } from "./call";
import { API_BASE } from "./client";
import type {
  Answer,
  DeliveryChange,
  MilestoneChange,
  MilestoneStatus,
  NewDelivery,
  NewMilestone,
  NewOutputProject,
  ProjectChange,
  ProjectSort,
} from "./types";

/** Projects per request: the server's maximum. */
export const PROJECT_LIMIT = 500;

/** The asciicast of the newest session. */
export const recordingAddress = (id: string): string =>
  API_BASE + addressOf("/output-projects/{id}/recording", { id });

/** What the server passes to agents; for admins. */
export const showEnvironment = () => call("get", "/environment", {});

export interface ProjectQuery {
  skip?: number;
  limit?: number;
  sort?: ProjectSort;
  q?: string;
}

export const listProjects = (
  { skip = 0, limit = PROJECT_LIMIT, sort = "attention", q = "" }: ProjectQuery,
  signal?: AbortSignal,
) => call("get", "/output-projects", { query: { skip, limit, sort, q }, signal });

export const changeProject = (id: string, body: ProjectChange) =>
  call("patch", "/output-projects/{id}", { path: { id }, body });

/** With `force` the running session ends first. The workspace folder stays. */
export const deleteProject = (id: string, force: boolean) =>
  call("delete", "/output-projects/{id}", { path: { id }, query: force ? { force } : {} });

export const getProject = (id: string, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}", { path: { id }, signal });

export const createProject = (body: NewOutputProject) => call("post", "/output-projects", { body });

export const listMilestones = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  call("get", "/milestones", { query: { output_project_id: projectId, skip, limit }, signal });

export const createMilestone = (body: NewMilestone) => call("post", "/milestones", { body });

export const getMilestone = (id: string) => call("get", "/milestones/{id}", { path: { id } });

export const startMilestone = (id: string) => call("post", "/milestones/{id}/start", { path: { id } });

export const setMilestoneStatus = (id: string, status: MilestoneStatus, reason?: string) =>
  call("patch", "/milestones/{id}", { path: { id }, body: { status, ...(reason && { reason }) } });

/** Only while it is pending. */
export const editMilestone = (id: string, body: Pick<MilestoneChange, "element_name" | "context">) =>
  call("patch", "/milestones/{id}", { path: { id }, body });

export const deleteMilestone = (id: string) => call("delete", "/milestones/{id}", { path: { id } });

export const getSession = (id: string, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}/session", { path: { id }, signal });

/** Gets the session, or starts it with the current conversation. */
export const startSession = (id: string) =>
  call("post", "/output-projects/{id}/session", { path: { id }, body: {} });

/** Starts the session with an earlier conversation of the project's history, in place of the running conversation. */
export const continueConversation = (id: string, conversation: string) =>
  call("post", "/output-projects/{id}/session", { path: { id }, body: { claude_session_id: conversation } });

/** Longest upload, in milliseconds: 16 MiB over a slow line. */
const UPLOAD_LIMIT_MS = 300_000;

/** Longest wait for an answer to be typed, in milliseconds; longer than the server needs. */
const ANSWER_LIMIT_MS = 70_000;

/**
 * Answers the agent's question. The server presses key after key and reads the screen between keys.
 */
export const answerAsk = (id: string, body: Answer) =>
  call("post", "/output-projects/{id}/answer", { path: { id }, body, limitMs: ANSWER_LIMIT_MS });

export const endSession = (id: string) => call("delete", "/output-projects/{id}/session", { path: { id } });

/** Hands the session over to another of its clients. */
export const handOver = (id: string, client: number) =>
  call("post", "/output-projects/{id}/driver", { path: { id }, body: { client } });

export const listDeliveries = (id: string, skip: number, limit: number, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}/deliveries", { path: { id }, query: { skip, limit }, signal });

/** The same key gives the same delivery, so a caller may retry after a lost response. */
export const sendCommand = (id: string, body: NewDelivery) =>
  call("post", "/output-projects/{id}/deliveries", { path: { id }, body });

export const getDelivery = (id: string, delivery_id: string) =>
  call("get", "/output-projects/{id}/deliveries/{delivery_id}", { path: { id, delivery_id } });

export const changeDelivery = (id: string, delivery_id: string, body: DeliveryChange) =>
  call("patch", "/output-projects/{id}/deliveries/{delivery_id}", { path: { id, delivery_id }, body });

export const cancelDelivery = (id: string, delivery_id: string) =>
  call("delete", "/output-projects/{id}/deliveries/{delivery_id}", { path: { id, delivery_id } });

export const listRuns = (id: string, skip: number, limit: number, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}/runs", { path: { id }, query: { skip, limit }, signal });

export const startRun = (id: string, prompt: string) =>
  call("post", "/output-projects/{id}/runs", { path: { id }, body: { prompt } });

export const stopRun = (id: string, run_id: string) =>
  call("delete", "/output-projects/{id}/runs/{run_id}", { path: { id, run_id } });

export const getPlanning = (id: string, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}/planning", { path: { id }, signal });

/** Keeps a file for the agent; the response has its path. */
export const uploadFile = (id: string, name: string, body: Blob) =>
  call("post", "/output-projects/{id}/uploads", {
    path: { id },
    query: { name },
    body,
    limitMs: UPLOAD_LIMIT_MS,
  });

/** The address of the events of all projects, or of one. */
export const eventsAddress = (id?: string): string =>
  API_BASE + (id === undefined ? "/events" : addressOf("/output-projects/{id}/events", { id }));
