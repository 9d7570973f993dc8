// WebKitGTK by its WebDriver, on a display of its own: https://w3c.github.io/webdriver/.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { keyActions, START_MS } from "./keys.mjs";

export async function webkit() {
  const display = await xvfb();
  const port = await freePort();
  const driver = spawn(process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver", [`--port=${port}`], {
    stdio: "ignore",
    env: { ...process.env, DISPLAY: display.name, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
  });
  const base = `http://127.0.0.1:${port}`;
  async function ask(method, path, body) {
    const response = await fetch(base + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }
  await up(() => ask("GET", "/status"));
  const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: {} } });
  const session = `/session/${sessionId}`;
  await ask("POST", `${session}/timeouts`, { script: 60_000, pageLoad: 60_000 });
  const act = (actions) => ask("POST", `${session}/actions`, { actions });
  return {
    name: "WebKitGTK",
    goto: (url) => ask("POST", `${session}/url`, { url }),
    async evaluate(script, ...given) {
      const text = await ask("POST", `${session}/execute/async`, {
        script: `const done = arguments[1];
          Promise.resolve().then(() => (${script})(...JSON.parse(arguments[0])))
            .then((value) => done(JSON.stringify({ value: value ?? null })), (error) => done(JSON.stringify({ error: String(error) })));`,
        args: [JSON.stringify(given)],
      });
      const { value, error } = JSON.parse(text);
      if (error) throw new Error(error);
      return value;
    },
    keys: (text, held = []) => act([{ type: "key", id: "keys", actions: keyActions(text, held) }]),
    click: (x, y) =>
      act([
        {
          type: "pointer",
          id: "mouse",
          parameters: { pointerType: "mouse" },
          actions: [
            { type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y) },
            { type: "pointerDown", button: 0 },
            { type: "pointerUp", button: 0 },
          ],
        },
      ]),
    resize: (width, height) => ask("POST", `${session}/window/rect`, { width, height }),
    async close() {
      await ask("DELETE", session).catch(() => {});
      for (const program of [driver, display.program]) {
        program.kill("SIGKILL");
        await once(program, "exit");
      }
    },
  };
}

/** A display without a screen; the server picks its number. */
async function xvfb() {
  const program = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [number] = await Promise.race([
    once(program.stdio[3], "data"),
    once(program, "exit").then(() => Promise.reject(new Error("Xvfb ended"))),
  ]);
  return { program, name: `:${String(number).trim()}` };
}

/** A port that nobody has at this moment: the driver cannot pick one by itself. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function up(ask) {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
