/** One request to the server's API: JSON or a file in, JSON out, problem+json as an error. */
import { ROOT } from "./base";

export const API_BASE = `${ROOT}api/v1`;

/** Longest wait for a response, in milliseconds. Starting a session is the slowest call. */
export const REQUEST_LIMIT_MS = 30_000;

/** The server refused, or did not respond (`status` 0). The message is for the user. */
export class ApiError extends Error {
  /** The server's stable word for the problem, if it has one. */
  readonly code: string | null;
  /** The name of the project in the way, with `workspace_taken`. */
  readonly subject: string | null;

  constructor(
    readonly status: number,
    detail: string,
    { code = null, name = null }: Partial<Pick<Told, "code" | "name">> = {},
  ) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.subject = name;
  }
}

/** The used parts of a problem document. */
interface Told {
  text: string;
  code: string | null;
  name: string | null;
}

/** The error that a refused request throws. */
export async function failureOf(response: Response, status = response.status): Promise<ApiError> {
  const told = await toldBy(response);
  return new ApiError(status, told.text, told);
}

/** Called when the server no longer knows this browser. */
type SignedOut = () => void;
let signedOut: SignedOut = () => {};

export function onSignedOut(handler: SignedOut): void {
  signedOut = handler;
}

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

export async function request<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  limitMs = REQUEST_LIMIT_MS,
): Promise<T> {
  const limit = AbortSignal.timeout(limitMs);
  const init: RequestInit = {
    method,
    headers: { Accept: "application/json, application/problem+json" },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    // Leave a redirect to the login page to the browser; a JSON parser cannot follow a redirect.
    redirect: "manual",
  };
  if (body instanceof Blob) {
    init.body = body;
    init.headers = { ...init.headers, "Content-Type": "application/octet-stream" };
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(API_BASE + path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (response.status === 401 || response.type === "opaqueredirect") {
    signedOut();
    throw await failureOf(response, 401);
  }
  if (!response.ok) throw await failureOf(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(0, "");
  }
}

/** The sentence for the user is `detail`, else `title`, else the status line. */
async function toldBy(response: Response): Promise<Told> {
  const told: Told = { text: `${response.status} ${response.statusText}`.trim(), code: null, name: null };
  try {
    const problem: unknown = await response.json();
    if (typeof problem !== "object" || problem === null) return told;
    const read = (key: string): string | null => {
      const text: unknown = Reflect.get(problem, key);
      return typeof text === "string" && text !== "" ? text : null;
    };
    told.code = read("code");
    told.name = read("name");
    told.text = read("detail") ?? read("title") ?? told.text;
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return told;
}
