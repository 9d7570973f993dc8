/** Calls about conversations, changes and access, one function a route. */
import { API_BASE, request } from "./client";
import type {
  AuditList,
  CallerView,
  Changes,
  Conversation,
  Credential,
  NewToken,
  SearchResult,
} from "./history_types";

const project = (id: string): string => `/output-projects/${encodeURIComponent(id)}`;
const query = (fields: Record<string, string | null | undefined>): string => {
  const given = Object.entries(fields).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
};

export interface ConversationPart {
  claude_session_id?: string | null;
  before?: string | null;
}

/** A page of turns, the newest one unless `before` names another. */
export const getConversation = (projectId: string, part: ConversationPart, signal?: AbortSignal) =>
  request<Conversation>("GET", `${project(projectId)}/conversation${query({ ...part })}`, undefined, signal);

export const exportAddress = (projectId: string, conversation: string | null): string =>
  `${API_BASE}${project(projectId)}/conversation${query({ claude_session_id: conversation, format: "markdown" })}`;

/** Searches all conversations, or those of one project. */
export const search = (q: string, projectId: string | null, after: string | null, signal?: AbortSignal) =>
  request<SearchResult>(
    "GET",
    `${projectId ? project(projectId) : ""}/search${query({ q, after })}`,
    undefined,
    signal,
  );

export const getChanges = (milestoneId: string, signal?: AbortSignal) =>
  request<Changes>("GET", `/milestones/${encodeURIComponent(milestoneId)}/changes`, undefined, signal);

export const showCaller = () => request<CallerView>("GET", "/caller");

export const listTokens = async () => (await request<{ tokens: Credential[] }>("GET", "/tokens")).tokens;

/** The response has the token's text, this once. */
export const createToken = (fields: NewToken) =>
  request<Credential & { token: string }>("POST", "/tokens", fields);

export const deleteToken = (id: string) => request<void>("DELETE", `/tokens/${encodeURIComponent(id)}`);

export const listLogins = async () => (await request<{ logins: Credential[] }>("GET", "/logins")).logins;

export const deleteLogin = (id: string) => request<void>("DELETE", `/logins/${encodeURIComponent(id)}`);

/** A link with the caller's rights, for another browser; counts once, for ten minutes. */
export const createLoginLink = () => request<{ url: string; expires_at: string | null }>("POST", "/logins");

export const listShares = async (projectId: string) =>
  (await request<{ shares: Credential[] }>("GET", `${project(projectId)}/shares`)).shares;

export const createShare = (projectId: string, expires_in_s: number) =>
  request<{ id: string; url: string; expires_at: string | null }>("POST", `${project(projectId)}/shares`, {
    expires_in_s,
  });

export const deleteShare = (projectId: string, id: string) =>
  request<void>("DELETE", `${project(projectId)}/shares/${encodeURIComponent(id)}`);

export const listAudit = (before: string | null) => request<AuditList>("GET", `/audit${query({ before })}`);
