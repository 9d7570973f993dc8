// A stand-in for the server during development of the page: the same API, in memory, with a pretend
// agent. `node dev/mock.mjs [PORT]`; WXCODE_TOKEN is the token (default `mock`). Serves `dist/`
// with the server's CSP.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { fail, found, makeApi } from "./api.mjs";
import { Events } from "./events.mjs";
import { frame, PROTOCOL } from "./wire.mjs";

const DIST = new URL("../dist/", import.meta.url).pathname;
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};
const LOGIN = `<!doctype html><title>wxcode</title><form method="post">
<label>Token <input name="token" type="password"></label><button type="submit">Log in</button></form>`;

/** The server's words of these statuses. */
const CODES = { 404: "not_found", 409: "conflict", 422: "invalid" };

export function startMock({ port = 0, token = "mock" } = {}) {
  /** Events of all projects. */
  const all = new Events();
  const { projects, session, shownSession, listed, answer } = makeApi(all);
  const cookie = randomBytes(12).toString("hex");
  const allowed = (request) =>
    request.headers.authorization === `Bearer ${token}` ||
    (request.headers.cookie ?? "").includes(`wxcode=${cookie}`);

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://mock");
    const send = (status, body, type = "application/json", headers = {}) => {
      response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": CSP, ...headers });
      response.end(body);
    };
    let text = "";
    for await (const chunk of request) text += chunk;
    try {
      if (url.pathname === "/login") {
        if (request.method !== "POST") return send(200, LOGIN, "text/html");
        if (new URLSearchParams(text).get("token") !== token) return send(401, LOGIN, "text/html");
        return send(303, "", "text/plain", {
          Location: url.searchParams.get("next") ?? "/",
          "Set-Cookie": `wxcode=${cookie}; HttpOnly; SameSite=Strict; Path=/`,
        });
      }
      if (url.pathname === "/logout")
        return send(303, "", "text/plain", {
          Location: "/login",
          "Set-Cookie": "wxcode=; Max-Age=0; Path=/",
        });
      if (url.pathname.startsWith("/api/v1/")) {
        if (!allowed(request)) fail(401, "Log in, or send the token.");
        const parts = url.pathname.slice("/api/v1/".length).split("/").filter(Boolean);
        if (parts[0] === "events") {
          if ([...projects.values()].some(({ name }) => name.includes("silent")))
            fail(503, "There are no events now.");
          const last = request.headers["last-event-id"] ?? url.searchParams.get("last_event_id");
          return all.serve(response, last, {
            projects: [...projects.values()].map(listed),
            total: projects.size,
          });
        }
        if (parts[2] === "events") {
          const project = found(projects, parts[1], "output project");
          if (project.name.includes("silent")) fail(503, "There are no events now.");
          const last = request.headers["last-event-id"] ?? url.searchParams.get("last_event_id");
          return project.events.serve(response, last, { session: shownSession(project) });
        }
        const [status, body] = answer(request.method, parts, url.searchParams, text ? JSON.parse(text) : {});
        return send(status, body === undefined ? undefined : JSON.stringify(body));
      }
      const name = url.pathname === "/" ? "index.html" : normalize(url.pathname).slice(1);
      send(200, await readFile(join(DIST, name)), TYPES[extname(name)] ?? "application/octet-stream");
    } catch (error) {
      const status = error.status ?? (error.code === "ENOENT" ? 404 : 500);
      send(
        status,
        JSON.stringify({
          type: "about:blank",
          title: "Error",
          status,
          detail: error.message,
          code: CODES[status],
        }),
        "application/problem+json",
      );
    }
  });

  const sockets = new WebSocketServer({ server, maxPayload: 16 << 20, handleProtocols: () => PROTOCOL });
  sockets.on("connection", (socket, request) => {
    const { pathname, searchParams: query } = new URL(request.url, "http://mock");
    const id = /^\/api\/v1\/output-projects\/([^/]+)\/terminal/.exec(pathname)?.[1];
    if (!allowed(request)) return socket.close(4401, "Log in first.");
    const project = projects.get(id);
    if (!project) return socket.close(/^[0-9a-f]{24}$/.test(id) ? 4004 : 4000, "There is no such project.");
    const it = project.session;
    if (it?.status !== "running") {
      // A read-only client starts nothing.
      const session_id = it?.session_id ?? "";
      socket.send(frame.status({ session_id, connected: false, resumed: it !== null }));
      if (it) socket.send(it.stream.last());
      if (it) socket.send(frame.exited(it.exit));
      return socket.close(1000, "no session runs");
    }
    const resumed = project.session !== null;
    const name = query.get("client");
    const readOnly = query.get("read_only") === "true";
    const back = query.get("session") === it.session_id && query.has("since");
    socket.send(
      frame.status({
        session_id: it.session_id,
        claude_session_id: it.claude_session_id,
        resumed,
        message: resumed ? "Reconnecting to the existing session..." : null,
        ...(project.name.includes("lost") && {
          notice: {
            code: "conversation_lost",
            message: "The earlier conversation is gone. A new one was begun.",
          },
        }),
        input: it.stream.newest(name),
        read_only: readOnly,
        log_off: project.name.includes("full disk") ? "the disk is full: make room" : null,
      }),
    );
    it.stream.join(socket, { name, readOnly, since: back ? Number(query.get("since")) : null });
  });

  return new Promise((done) => {
    server.listen(port, "127.0.0.1", () => {
      done({
        url: `http://127.0.0.1:${server.address().port}`,
        token,
        projects,
        events: all,
        /** Ends a project's session without listeners, and starts another one. */
        restart: (name) => {
          const project = [...projects.values()].find((one) => one.name === name);
          project.session.end(0, null, "exited");
          session(project, true);
        },
        /** Disconnects every terminal, as a lost network does. */
        drop: () => sockets.clients.forEach((socket) => void socket.terminate()),
        stop: () => {
          for (const project of projects.values()) {
            clearTimeout(project.pump);
            project.runs.quit();
            project.session?.agent.stop();
          }
          sockets.clients.forEach((socket) => void socket.terminate());
          server.closeAllConnections();
          server.close();
        },
      });
    });
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const mock = await startMock({
    port: Number(process.argv[2] ?? 8053),
    token: process.env.WXCODE_TOKEN ?? "mock",
  });
  console.log(`mock listening on ${mock.url}, token ${mock.token}`);
}
