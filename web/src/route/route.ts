/** Addresses within the page, after the `#`. */
export type Route =
  | { page: "projects" }
  | { page: "project"; id: string; readOnly: boolean }
  | { page: "unknown" };

export function parseRoute(hash: string): Route {
  const [place = "", query] = hash.replace(/^#?\/?/, "").split("?");
  const path = place.replace(/\/$/, "");
  if (path === "") return { page: "projects" };
  const match = /^projects\/([0-9a-fA-F]{24})$/.exec(path);
  if (!match?.[1]) return { page: "unknown" };
  return { page: "project", id: match[1], readOnly: new URLSearchParams(query).has("read_only") };
}

export const projectHref = (id: string): string => `#/projects/${id}`;
/** The project's terminal alone, read-only. */
export const readOnlyHref = (id: string): string => `${projectHref(id)}?read_only`;
export const projectsHref = "#/";
