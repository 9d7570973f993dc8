/** Calls about conversations, changes and access, one function a route. */
import { addressOf, call } from "./call";
import { API_BASE } from "./client";
import type { NewToken } from "./types";

export interface ConversationPart {
  claude_session_id?: string | null;
  before?: string | null;
  limit?: number | null;
}

/** Leaves out what is null: the server's default. */
const given = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };

/** A page of turns, the newest one unless `before` names another. */
export const getConversation = (id: string, part: ConversationPart, signal?: AbortSignal) =>
  call("get", "/output-projects/{id}/conversation", { path: { id }, query: given(part), signal });

/** The whole conversation as Markdown. */
export const exportAddress = (id: string, conversation: string | null): string => {
  const query = { claude_session_id: conversation, format: "markdown" };
  return API_BASE + addressOf("/output-projects/{id}/conversation", { id }, query);
};

/** Searches all conversations, or those of one project. */
export const search = (q: string, id: string | null, after: string | null, signal?: AbortSignal) => {
  const query = { q, ...(after !== null && { after }) };
  return id === null
    ? call("get", "/search", { query, signal })
    : call("get", "/output-projects/{id}/search", { path: { id }, query, signal });
};

export const getChanges = (id: string, signal?: AbortSignal) =>
  call("get", "/milestones/{id}/changes", { path: { id }, signal });

export const showCaller = () => call("get", "/caller", {});

export const listTokens = async () => (await call("get", "/tokens", {})).tokens;

/** The response has the token's text, this once. */
export const createToken = (body: NewToken) => call("post", "/tokens", { body });

export const deleteToken = (id: string) => call("delete", "/tokens/{id}", { path: { id } });

export const listLogins = async () => (await call("get", "/logins", {})).logins;

export const deleteLogin = (id: string) => call("delete", "/logins/{id}", { path: { id } });

/** A link with the caller's rights, for another browser; counts once, for ten minutes. */
export const createLoginLink = () => call("post", "/logins", {});

export const listShares = async (id: string) =>
  (await call("get", "/output-projects/{id}/shares", { path: { id } })).shares;

export const createShare = (id: string, expires_in_s: number) =>
  call("post", "/output-projects/{id}/shares", { path: { id }, body: { expires_in_s } });

export const deleteShare = (id: string, share_id: string) =>
  call("delete", "/output-projects/{id}/shares/{share_id}", { path: { id, share_id } });

export const listAudit = (before: string | null) =>
  call("get", "/audit", { query: before === null ? {} : { before } });
