/** Requests as the OpenAPI document has them: paths, parameters, bodies and answers are checked types. */
import { request } from "./client";
import type { paths } from "./schema";

type Verb = "get" | "post" | "patch" | "delete";
type Paths = { [P in keyof paths as P extends `/api/v1${infer Rest}` ? Rest : never]: paths[P] };
type PathOf<V extends Verb> = {
  [P in keyof Paths]: Paths[P] extends Record<V, { responses: object }> ? P : never;
}[keyof Paths];

type Operation<V extends Verb, P extends keyof Paths> = Paths[P] extends Record<V, infer O> ? O : never;
type Json<R> = R extends { content: { "application/json": infer J } } ? J : never;
/** The body of an answer; nothing for 204. */
type Answer<O> = O extends { responses: infer R }
  ? [Json<R[keyof R]>] extends [never]
    ? undefined
    : Json<R[keyof R]>
  : never;

type Path<O> = O extends { parameters: { path: infer F extends object } } ? { path: F } : { path?: never };
type Query<O> = O extends { parameters: { query?: infer F } } ? { query?: F } : { query?: never };
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: { content: infer C } }
    ? { body?: C extends { "application/json": infer B } ? B : Blob }
    : { body?: Blob };
type Given<O> = Path<O> & Query<O> & Body<O> & { signal?: AbortSignal | undefined; limitMs?: number };

/** Fills `{name}` in a path, and adds the given parameters of the query. */
export function addressOf(
  path: string,
  fields: Record<string, string | number> = {},
  query: Record<string, unknown> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(fields[name])));
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? filled : `${filled}?${text}`;
}

/** Sends a request of the API. */
export function call<V extends Verb, P extends PathOf<V> & keyof Paths>(
  verb: V,
  path: P,
  given: Given<Operation<V, P>>,
): Promise<Answer<Operation<V, P>>> {
  const {
    path: fields,
    query,
    body,
    signal,
    limitMs,
  } = given as {
    path?: Record<string, string>;
    query?: Record<string, unknown>;
    body?: unknown;
    signal?: AbortSignal;
    limitMs?: number;
  };
  const method = verb.toUpperCase() as Uppercase<V>;
  return request(method, addressOf(path, fields, query), body, signal, limitMs);
}
