/** Addresses inside the page, kept behind the `#`. */
export type Route = { page: "projects" } | { page: "project"; id: string } | { page: "unknown" };

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#?\/?/, "").replace(/\/$/, "");
  if (path === "") return { page: "projects" };
  const match = /^projects\/([0-9a-fA-F]{24})$/.exec(path);
  return match?.[1] ? { page: "project", id: match[1] } : { page: "unknown" };
}

export const projectHref = (id: string): string => `#/projects/${id}`;
export const projectsHref = "#/";
