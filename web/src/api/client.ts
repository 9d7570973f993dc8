/** A request to the server's API: JSON in, JSON out, problem+json as an error. */

export const API_BASE = "/api/v1";

/** Longest wait for a response, in milliseconds. Starting a session is the slowest call. */
export const REQUEST_LIMIT_MS = 30_000;

/** The server refused, or did not respond (`status` 0). The message is for the user. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
    this.name = "ApiError";
  }
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
  if (body !== undefined) {
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
    throw new ApiError(401, await detailOf(response));
  }
  if (!response.ok) throw new ApiError(response.status, await detailOf(response));
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(0, "");
  }
}

/** The sentence for the user in an error response: `detail`, else `title`, else the status line. */
async function detailOf(response: Response): Promise<string> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const problem: unknown = await response.json();
    if (typeof problem !== "object" || problem === null) return fallback;
    for (const key of ["detail", "title"]) {
      const text: unknown = Reflect.get(problem, key);
      if (typeof text === "string" && text !== "") return text;
    }
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return fallback;
}
