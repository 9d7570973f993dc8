/** Calls of the server's API, a function for each route. */
import { API_BASE, request } from "./client";
import type {
  Answer,
  Delivery,
  DeliveryChange,
  DeliveryList,
  Milestone,
  MilestoneList,
  MilestoneStatus,
  NewDelivery,
  NewMilestone,
  NewOutputProject,
  OutputProject,
  OutputProjectList,
  Planning,
  ProjectChange,
  ProjectSort,
  Run,
  RunList,
  Session,
} from "./types";

/** Projects per request: the server's maximum. */
export const PROJECT_LIMIT = 500;

const project = (id: string): string => `/output-projects/${encodeURIComponent(id)}`;
const milestone = (id: string): string => `/milestones/${encodeURIComponent(id)}`;

export interface ProjectQuery {
  skip?: number;
  limit?: number;
  sort?: ProjectSort;
  q?: string;
}

export const listProjects = (
  { skip = 0, limit = PROJECT_LIMIT, sort = "attention", q = "" }: ProjectQuery,
  signal?: AbortSignal,
) =>
  request<OutputProjectList>(
    "GET",
    `/output-projects?${new URLSearchParams({
      skip: String(skip),
      limit: String(limit),
      sort,
      ...(q && { q }),
    })}`,
    undefined,
    signal,
  );

export const changeProject = (id: string, change: ProjectChange) =>
  request<OutputProject>("PATCH", project(id), change);

/** With `force` the running session ends first. The workspace folder stays. */
export const deleteProject = (id: string, force: boolean) =>
  request<void>("DELETE", `${project(id)}${force ? "?force=true" : ""}`);

export const getProject = (id: string, signal?: AbortSignal) =>
  request<OutputProject>("GET", project(id), undefined, signal);

export const createProject = (fields: NewOutputProject) =>
  request<OutputProject>("POST", "/output-projects", fields);

export const listMilestones = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  request<MilestoneList>(
    "GET",
    `/milestones?output_project_id=${encodeURIComponent(projectId)}&skip=${skip}&limit=${limit}`,
    undefined,
    signal,
  );

export const createMilestone = (fields: NewMilestone) => request<Milestone>("POST", "/milestones", fields);

export const getMilestone = (id: string) => request<Milestone>("GET", milestone(id));

export const startMilestone = (id: string) => request<Delivery>("POST", `${milestone(id)}/start`);

export const setMilestoneStatus = (id: string, status: MilestoneStatus, reason?: string) =>
  request<Milestone>("PATCH", milestone(id), { status, ...(reason && { reason }) });

export const deleteMilestone = (id: string) => request<void>("DELETE", milestone(id));

export const getSession = (projectId: string, signal?: AbortSignal) =>
  request<Session>("GET", `${project(projectId)}/session`, undefined, signal);

/** Gets the session, or starts it with the current conversation. */
export const startSession = (projectId: string) =>
  request<Session>("POST", `${project(projectId)}/session`, {});

/** Starts the session with an earlier conversation of the project's history, in place of the running conversation. */
export const continueConversation = (projectId: string, conversation: string) =>
  request<Session>("POST", `${project(projectId)}/session`, { claude_session_id: conversation });

/** Longest upload, in milliseconds: 16 MiB over a slow line. */
const UPLOAD_LIMIT_MS = 300_000;

/** Longest wait for an answer to be typed, in milliseconds; longer than the server needs. */
const ANSWER_LIMIT_MS = 70_000;

/**
 * Answers the agent's question. The server presses key after key and reads the screen between keys.
 */
export const answerAsk = (projectId: string, answer: Answer) =>
  request<Session>("POST", `${project(projectId)}/answer`, answer, undefined, ANSWER_LIMIT_MS);

export const endSession = (projectId: string) => request<void>("DELETE", `${project(projectId)}/session`);

/** Hands the session over to another of its clients. */
export const handOver = (projectId: string, client: number) =>
  request<void>("POST", `${project(projectId)}/driver`, { client });

export const listDeliveries = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  request<DeliveryList>(
    "GET",
    `${project(projectId)}/deliveries?skip=${skip}&limit=${limit}`,
    undefined,
    signal,
  );

/** The same key gives the same delivery, so a caller may retry after a lost response. */
export const sendCommand = (projectId: string, command: NewDelivery) =>
  request<Delivery>("POST", `${project(projectId)}/deliveries`, command);

const delivery = (projectId: string, id: string): string =>
  `${project(projectId)}/deliveries/${encodeURIComponent(id)}`;

export const getDelivery = (projectId: string, id: string) =>
  request<Delivery>("GET", delivery(projectId, id));

export const changeDelivery = (projectId: string, id: string, change: DeliveryChange) =>
  request<Delivery>("PATCH", delivery(projectId, id), change);

export const cancelDelivery = (projectId: string, id: string) =>
  request<void>("DELETE", delivery(projectId, id));

export const listRuns = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  request<RunList>("GET", `${project(projectId)}/runs?skip=${skip}&limit=${limit}`, undefined, signal);

export const startRun = (projectId: string, prompt: string) =>
  request<Run>("POST", `${project(projectId)}/runs`, { prompt });

export const stopRun = (projectId: string, id: string) =>
  request<void>("DELETE", `${project(projectId)}/runs/${encodeURIComponent(id)}`);

export const getPlanning = (projectId: string, signal?: AbortSignal) =>
  request<Planning>("GET", `${project(projectId)}/planning`, undefined, signal);

/** Keeps a file for the agent; the response has its path. */
export const uploadFile = (projectId: string, name: string, file: Blob) =>
  request<{ path: string }>(
    "POST",
    `${project(projectId)}/uploads?${new URLSearchParams({ name })}`,
    file,
    undefined,
    UPLOAD_LIMIT_MS,
  );

/** The address of the events of all projects, or of one. */
export const eventsAddress = (projectId?: string): string =>
  `${API_BASE}${projectId === undefined ? "" : project(projectId)}/events`;
