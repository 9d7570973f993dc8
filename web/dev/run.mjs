// Runs for the mock server: `/fail` fails, `/wait` ends only when it is stopped.
import { randomBytes, randomUUID } from "node:crypto";
import { Problem } from "./problem.mjs";

/** Duration of a run, in milliseconds. */
const WORK_MS = 1_500;

export class Runs {
  all = [];
  /** Publishes an event. */
  tell = () => {};
  #timers = new Set();

  get latest() {
    return this.all.at(-1) ?? null;
  }

  get running() {
    return this.latest?.state === "running";
  }

  find(id) {
    const run = this.all.find((one) => one.id === id);
    if (!run) throw new Problem(404, `There is no run ${id}: list them to find the id.`);
    return run;
  }

  start(projectId, prompt) {
    if (!prompt?.trim()) throw new Problem(422, "prompt must not be empty.");
    if (this.running) throw new Problem(409, "A run is under way: wait for it, or stop it.");
    const run = {
      id: randomBytes(12).toString("hex"),
      output_project_id: projectId,
      claude_session_id: randomUUID(),
      state: "running",
      prompt,
      result: null,
      error: null,
      started_at: new Date().toISOString(),
      ended_at: null,
      exit: null,
    };
    this.all.push(run);
    this.tell("run.started", { run_id: run.id });
    this.#later(WORK_MS / 5, () =>
      this.tell("run.message", { run_id: run.id, text: "I read the tests first." }),
    );
    if (!prompt.startsWith("/wait")) this.#later(WORK_MS, () => this.#end(run, prompt));
    return run;
  }

  stop(id) {
    const run = this.find(id);
    if (run.state === "running") this.#over(run, "stopped", { exit: { code: null, signal: 15 } });
  }

  quit() {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #later(ms, action) {
    this.#timers.add(setTimeout(action, ms));
  }

  #end(run, prompt) {
    if (run.state !== "running") return;
    if (prompt.startsWith("/fail")) {
      const error = "The agent ended with exit code 1: look at the prompt, then run it again.";
      this.#over(run, "failed", { error, exit: { code: 1, signal: null } });
    } else {
      const result = `I looked at “${prompt}”: two of the three tests need a running database.\n\nNothing was changed.`;
      this.#over(run, "succeeded", { result, exit: { code: 0, signal: null } });
    }
  }

  #over(run, state, fields) {
    Object.assign(run, { state, ended_at: new Date().toISOString(), ...fields });
    this.tell("run.finished", { run_id: run.id, state });
  }
}
