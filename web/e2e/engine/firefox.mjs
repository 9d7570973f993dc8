// Firefox by WebDriver BiDi: https://w3c.github.io/webdriver-bidi/.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { keyActions, START_MS } from "./keys.mjs";

export async function firefox() {
  const profile = await mkdtemp(join(tmpdir(), "wxcode-firefox-"));
  const program = spawn(
    process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    ["--headless", "--remote-debugging-port=0", "--no-remote", "--profile", profile],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: profile } },
  );
  const address = await listening(program.stderr);
  const socket = new WebSocket(`${address}/session`);
  await once(socket, "open");
  const waiting = new Map();
  socket.on("message", (data) => {
    const { id, type, result, error, message } = JSON.parse(String(data));
    const answer = waiting.get(id);
    waiting.delete(id);
    if (type === "success") answer?.resolve(result);
    else answer?.reject(new Error(`${error}: ${message}`));
  });
  let number = 0;
  const send = (method, params = {}) =>
    new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { resolve, reject });
      socket.send(JSON.stringify({ id: number, method, params }));
    });
  await send("session.new", { capabilities: {} });
  const { contexts } = await send("browsingContext.getTree");
  const { context } = contexts[0];
  return {
    name: "Firefox",
    goto: (url) => send("browsingContext.navigate", { context, url, wait: "interactive" }),
    async evaluate(script, ...given) {
      const { type, result, exceptionDetails } = await send("script.callFunction", {
        functionDeclaration: `async (text) => JSON.stringify(await (${script})(...JSON.parse(text)) ?? null)`,
        arguments: [{ type: "string", value: JSON.stringify(given) }],
        target: { context },
        awaitPromise: true,
      });
      if (type !== "success") throw new Error(exceptionDetails.text);
      return JSON.parse(result.value);
    },
    keys: (text, held = []) =>
      send("input.performActions", {
        context,
        actions: [{ type: "key", id: "keys", actions: keyActions(text, held) }],
      }),
    click: (x, y) =>
      send("input.performActions", {
        context,
        actions: [
          {
            type: "pointer",
            id: "mouse",
            actions: [
              { type: "pointerMove", x: Math.round(x), y: Math.round(y) },
              { type: "pointerDown", button: 0 },
              { type: "pointerUp", button: 0 },
            ],
          },
        ],
      }),
    resize: (width, height) => send("browsingContext.setViewport", { context, viewport: { width, height } }),
    async close() {
      socket.terminate();
      program.kill("SIGKILL");
      await once(program, "exit");
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The address that Firefox prints once it listens. */
async function listening(output) {
  const late = setTimeout(() => output.destroy(new Error("Firefox never listened")), START_MS);
  for await (const line of createInterface({ input: output })) {
    const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (!address) continue;
    clearTimeout(late);
    output.resume();
    return address;
  }
  throw new Error("Firefox ended before it listened");
}
