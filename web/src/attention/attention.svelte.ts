/** Everything that happens in all projects, for the whole page: one stream, its listeners, the waiting. */

import { announcer } from "../announce/announce.svelte";
import { eventsAddress, getProject, listProjects } from "../api/calls";
import { API_BASE } from "../api/client";
import { around, Hub, type HubEvent, type Stream } from "../api/hub";
import { t } from "../i18n/i18n";
import { outdated } from "../outdated/outdated.svelte";
import { NEWS } from "../project/news";
import { projectHref } from "../route/route";
import { showBadge } from "./badge";
import { fresh, notify } from "./notify";
import { Seen } from "./seen";
import { after, namesIn, type Waiting, type WaitingMap } from "./waiting";

type Listener = (event: HubEvent) => void;

/** Anything may have changed. */
const RESET: HubEvent = { type: "reset", project: "", data: "{}" };

class Attention {
  /** Events arrive. */
  flows = $state(false);
  waiting = $state.raw<WaitingMap>(new Map());
  readonly seen = new Seen();
  readonly #names = new Map<string, string>();
  readonly #listeners = new Set<Listener>();
  #leads = false;
  #flowed = false;
  #hub: Hub | null = null;

  get list(): Waiting[] {
    return [...this.waiting.values()];
  }

  start(): void {
    this.#hub = new Hub(eventsAddress(), around(NEWS, narrow), {
      received: (event) => this.#take(event),
      flowing: (flows) => {
        this.flows = flows;
        // A connection that comes back may lead to an upgraded server.
        if (flows && this.#flowed) void outdated.look();
        this.#flowed ||= flows;
        // Also finds an expired login.
        if (!flows) for (const listener of this.#listeners) listener(RESET);
      },
      leading: (leads) => {
        this.#leads = leads;
      },
    });
    addEventListener("online", () => this.#hub?.wake());
  }

  /** Listens to all events; the returned function ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Names that the page knows anyway. */
  know(projects: Iterable<{ id: string; name: string }>): void {
    for (const { id, name } of projects) this.#names.set(id, name);
  }

  /** The list as a tab that came later reads it. */
  restart(projects: Iterable<unknown>): void {
    const data = JSON.stringify({ projects: [...projects] });
    this.#become(after(this.waiting, { type: "state", project: "", data }, this.#names), true);
  }

  #take(event: HubEvent): void {
    for (const [id, name] of namesIn(event)) this.#names.set(id, name);
    // The first state is no news: the user sees it in the title.
    this.#become(after(this.waiting, event, this.#names), event.type === "state");
    for (const listener of this.#listeners) listener(event);
  }

  #become(now: WaitingMap, silently: boolean): void {
    if (now === this.waiting) return;
    const news = silently ? [] : fresh(this.waiting, now);
    this.waiting = now;
    showBadge(now.size);
    if (this.#leads) for (const one of news) void this.#notify(one);
    const last = news.at(-1);
    if (last) void this.#call(last);
    else if (now.size === 0) announcer.call("");
  }

  async #call(one: Waiting): Promise<void> {
    const name = await this.#nameOf(one);
    if (this.waiting.has(one.id)) announcer.call(`${name}: ${t(`attention.${wordOf(one)}`)}`);
  }

  async #nameOf({ id, name }: Waiting): Promise<string> {
    return name || (await getProject(id).catch(() => null))?.name || "wxcode";
  }

  async #notify(one: Waiting): Promise<void> {
    if (this.seen.sees(one.id)) return;
    const name = await this.#nameOf(one);
    const words = { title: name, body: t(`attention.${wordOf(one)}`) };
    const href = projectHref(one.id);
    notify(one, words, href, () => (location.hash = href));
  }
}

function wordOf({ state, kind }: Waiting): "permission" | "question" | "dialog" {
  if (kind === "question" || state === "waiting_question") return "question";
  return kind === "permission" || state === "waiting_permission" ? "permission" : "dialog";
}

/** A caller with one project has only the events of that one. */
async function narrow(): Promise<Stream | null> {
  const response = await fetch(`${API_BASE}/events`, { method: "HEAD" });
  if (response.status !== 403) return null;
  const { projects } = await listProjects({ limit: 1 });
  const project = projects[0]?.id;
  return project ? { address: eventsAddress(project), project } : null;
}

export const attention = new Attention();
