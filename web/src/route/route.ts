/** Addresses within the page, after the `#`. */
export type Route =
  | { page: "projects" }
  | { page: "project"; id: string; readOnly: boolean }
  | {
      page: "conversation";
      id: string;
      conversation: string | null;
      before: string | null;
      turn: string | null;
    }
  | { page: "recording"; id: string }
  | { page: "changes"; id: string; milestone: string }
  | { page: "search"; words: string; project: string | null }
  | { page: "people" }
  | { page: "unknown" };

const ID = "[0-9a-fA-F]{24}";
const PROJECT = new RegExp(`^projects/(${ID})$`);
const CONVERSATION = new RegExp(`^projects/(${ID})/conversation$`);
const RECORDING = new RegExp(`^projects/(${ID})/recording$`);
const CHANGES = new RegExp(`^projects/(${ID})/milestones/(${ID})/changes$`);

export function parseRoute(hash: string): Route {
  const [place = "", query] = hash.replace(/^#?\/?/, "").split("?");
  const path = place.replace(/\/$/, "");
  const fields = new URLSearchParams(query);
  if (path === "") return { page: "projects" };
  if (path === "people") return { page: "people" };
  if (path === "search")
    return { page: "search", words: fields.get("q") ?? "", project: fields.get("project") };
  const project = PROJECT.exec(path)?.[1];
  if (project) return { page: "project", id: project, readOnly: fields.has("read_only") };
  const of = CONVERSATION.exec(path)?.[1];
  if (of) {
    const [conversation, before, turn] = ["id", "before", "turn"].map((name) => fields.get(name));
    return {
      page: "conversation",
      id: of,
      conversation: conversation ?? null,
      before: before ?? null,
      turn: turn ?? null,
    };
  }
  const recorded = RECORDING.exec(path)?.[1];
  if (recorded) return { page: "recording", id: recorded };
  const [, id, milestone] = CHANGES.exec(path) ?? [];
  if (id && milestone) return { page: "changes", id, milestone };
  return { page: "unknown" };
}

export const projectHref = (id: string): string => `#/projects/${id}`;
/** The project's terminal alone, read-only. */
export const readOnlyHref = (id: string): string => `${projectHref(id)}?read_only`;
export const recordingHref = (id: string): string => `${projectHref(id)}/recording`;
export const projectsHref = "#/";
export const peopleHref = "#/people";
export const changesHref = (id: string, milestone: string): string =>
  `${projectHref(id)}/milestones/${milestone}/changes`;
/** A conversation, the current one without an id; at a turn of the page that ends with it. */
export function conversationHref(
  id: string,
  at: { conversation?: string | undefined; before?: string; turn?: string } = {},
): string {
  const fields = new URLSearchParams();
  if (at.conversation) fields.set("id", at.conversation);
  if (at.before) fields.set("before", at.before);
  if (at.turn) fields.set("turn", at.turn);
  const query = fields.toString();
  return `${projectHref(id)}/conversation${query && `?${query}`}`;
}
export const searchHref = (words: string, project: string | null = null): string =>
  `#/search?${new URLSearchParams({ q: words, ...(project && { project }) })}`;
