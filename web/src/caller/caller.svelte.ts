/** The user of the page with the rights: the page offers what the server would allow. */
import { showCaller } from "../api/history_calls";
import type { CallerView, Role } from "../api/types";
import { allows } from "./role";

/** Longest wait for the answer before the page shows, in milliseconds. */
const WAIT_MS = 2_000;

class Caller {
  /** `null` until it is known; the server is the judge then. */
  #view = $state.raw<CallerView | null>(null);

  get role(): Role | null {
    return this.#view?.role ?? null;
  }

  /** The only project; `null` for all. */
  get project(): string | null {
    return this.#view?.project_id ?? null;
  }

  /** May type, start, answer and queue. */
  get operates(): boolean {
    return allows(this.role, "operator");
  }

  /** May change and share this project. */
  get manages(): boolean {
    return allows(this.role, "admin");
  }

  /** May create projects, and manage tokens and logins. */
  get managesAll(): boolean {
    return this.manages && this.project === null;
  }

  /** Asks the server; without an answer in time the page goes on without. */
  async load(): Promise<void> {
    const late = new Promise<null>((done) => setTimeout(() => done(null), WAIT_MS));
    const asked = showCaller().then(
      (view) => {
        this.#view = view;
      },
      () => {},
    );
    await Promise.race([asked, late]);
  }
}

export const caller = new Caller();
