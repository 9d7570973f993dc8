/** Calls of the server's API, a function for each route. */
import { API_BASE, request } from "./client";
import type {
  Answer,
  Delivery,
  DeliveryList,
  Milestone,
  MilestoneList,
  MilestoneStatus,
  NewMilestone,
  NewOutputProject,
  OutputProject,
  OutputProjectList,
  Planning,
  Run,
  RunList,
  Session,
} from "./types";

/** Projects per request: the server's maximum. */
const PROJECT_LIMIT = 500;

const project = (id: string): string => `/output-projects/${encodeURIComponent(id)}`;
const milestone = (id: string): string => `/milestones/${encodeURIComponent(id)}`;

export const listProjects = (skip: number, signal?: AbortSignal) =>
  request<OutputProjectList>(
    "GET",
    `/output-projects?skip=${skip}&limit=${PROJECT_LIMIT}`,
    undefined,
    signal,
  );

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

/** Longest wait for an answer to be typed, in milliseconds; longer than the server needs. */
const ANSWER_LIMIT_MS = 70_000;

/**
 * Answers the agent's question. The server presses key after key and reads the screen between keys.
 */
export const answerAsk = (projectId: string, answer: Answer) =>
  request<Session>("POST", `${project(projectId)}/answer`, answer, undefined, ANSWER_LIMIT_MS);

export const endSession = (projectId: string) => request<void>("DELETE", `${project(projectId)}/session`);

export const listDeliveries = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  request<DeliveryList>(
    "GET",
    `${project(projectId)}/deliveries?skip=${skip}&limit=${limit}`,
    undefined,
    signal,
  );

/** The same key gives the same delivery, so a caller may retry after a lost response. */
export const sendCommand = (projectId: string, text: string, idempotencyKey: string) =>
  request<Delivery>("POST", `${project(projectId)}/deliveries`, { text, idempotency_key: idempotencyKey });

export const listRuns = (projectId: string, skip: number, limit: number, signal?: AbortSignal) =>
  request<RunList>("GET", `${project(projectId)}/runs?skip=${skip}&limit=${limit}`, undefined, signal);

export const startRun = (projectId: string, prompt: string) =>
  request<Run>("POST", `${project(projectId)}/runs`, { prompt });

export const stopRun = (projectId: string, id: string) =>
  request<void>("DELETE", `${project(projectId)}/runs/${encodeURIComponent(id)}`);

export const getPlanning = (projectId: string, signal?: AbortSignal) =>
  request<Planning>("GET", `${project(projectId)}/planning`, undefined, signal);

/** The address of the project's events. */
export const eventsAddress = (projectId: string): string => `${API_BASE}${project(projectId)}/events`;
