// A thousand projects in the overview: an event changes its own row alone. The list and the stream
// come from the test, the page from the server. With UPDATE_MS, an update's scripting has this bound.
import assert from "node:assert/strict";
import { launch, logIn, newPage } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;
const COUNT = 1_000;
/** Longest scripting of an update, in milliseconds: a measurement, for an idle machine. */
const UPDATE_MS = Number(process.env.UPDATE_MS ?? Number.POSITIVE_INFINITY);
/** Rows of an update. */
const CHANGED = 20;

const id = (n) => n.toString(16).padStart(24, "0");
const project = (n) => ({
  id: id(n),
  name: `Project ${n}`,
  workspace_path: `/srv/projects/${n}`,
  status: "active",
  settings: {},
  created_at: "2026-01-01T00:00:00Z",
  updated_at: null,
  last_activity_at: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
  milestone: { id: id(n), element_name: `Milestone ${n}`, status: "in_progress" },
  progress: {
    phases_complete: 1,
    phases_executed: 1,
    phases_total: 4,
    plans_complete: 1,
    plans_total: 4,
    percent: 25,
  },
  session: {
    status: "running",
    agent_state: n % 3 ? "working" : "idle",
    asks: null,
    limit: null,
    node: null,
  },
});

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await logIn(page, url, token);
  await context.route(/\/api\/v1\/output-projects\?/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const skip = Number(query.get("skip"));
    const limit = Number(query.get("limit"));
    const projects = Array.from({ length: COUNT }, (_, n) => project(n)).slice(skip, skip + limit);
    return route.fulfill({ json: { projects, total: COUNT } });
  });
  await page.addInitScript(() => {
    window.EventSource = class extends EventTarget {
      readyState = 1;
      constructor() {
        super();
        window.source = this;
        setTimeout(() => this.dispatchEvent(new Event("open")));
      }
      close() {}
    };
  });
  await page.goto(url);
  await page.reload();
  await page.waitForFunction((count) => document.querySelectorAll("main article").length === count, COUNT);
  const { times, rows } = await page.evaluate(async (changed) => {
    const all = [];
    const touched = [];
    for (let round = 0; round < 12; round += 1) {
      const began = performance.now();
      let busy = 0;
      const channel = new MessageChannel();
      // The longest gap between two turns of the event loop is the work of the update.
      let last = began;
      let running = true;
      channel.port1.onmessage = () => {
        const now = performance.now();
        busy = Math.max(busy, now - last);
        last = now;
        if (running) channel.port2.postMessage(0);
      };
      channel.port2.postMessage(0);
      const parts = new Set();
      const observer = new MutationObserver((records) => {
        for (const { target, addedNodes } of records)
          for (const node of [target, ...addedNodes]) {
            const element = node instanceof Element ? node : node.parentElement;
            const row = element?.closest("article") ?? element?.querySelector?.(":scope > article");
            if (row) parts.add(row);
          }
      });
      const main = document.getElementById("content");
      observer.observe(main, { subtree: true, childList: true, attributes: true, characterData: true });
      for (let n = 0; n < changed; n += 1) {
        const data = JSON.stringify({
          type: "agent.state",
          at: new Date().toISOString(),
          project_id: (round * changed + n).toString(16).padStart(24, "0"),
          // Each of these rows is in the other group before.
          state: (round * changed + n) % 3 ? "idle" : "working",
          ask: null,
        });
        window.source.dispatchEvent(Object.assign(new Event("agent.state"), { data, lastEventId: "1" }));
      }
      // The update is there once its rows have changed, and over when the page rests again.
      while (parts.size < changed) await new Promise((done) => setTimeout(done, 20));
      await new Promise((done) => setTimeout(done, 400));
      running = false;
      observer.disconnect();
      all.push(busy);
      touched.push(parts.size);
    }
    return { times: all.sort((a, b) => a - b), rows: touched };
  }, CHANGED);
  const median = times[Math.floor(times.length / 2)];
  assert.ok(Math.max(...rows) < 2 * CHANGED, `an update of ${CHANGED} rows touched ${rows} rows`);
  console.log(
    `an update of ${CHANGED} of ${COUNT} rows takes ${median.toFixed(0)} ms (${times.map((ms) => ms.toFixed(0))})`,
  );
  assert.ok(median < UPDATE_MS, `${median} ms, and not ${UPDATE_MS} ms at most`);
  const scroll = await page.evaluate(async () => {
    const main = document.getElementById("content");
    const gaps = [];
    let last = performance.now();
    for (let step = 0; step < 60; step += 1) {
      main.scrollTop += 600;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
    return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  });
  console.log(`scrolling takes ${scroll.toFixed(0)} ms a frame`);
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
