import { createServer as createTarget, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepForeignOrigins } from "./origin";

/** A server that answers with the origin that it got, and the development server in front of it. */
const target = createTarget((asked, answer) => answer.end(asked.headers.origin ?? "none"));
target.on("upgrade", (asked, socket) => {
  socket.end(`HTTP/1.1 418 x\r\nx-origin: ${asked.headers.origin}\r\n\r\n`);
});
const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
let stop = async () => {};
let own = "";

beforeAll(async () => {
  await new Promise<void>((listening) => target.listen(0, "127.0.0.1", listening));
  const address = `http://127.0.0.1:${port(target)}`;
  const forward = {
    target: address,
    ws: true,
    changeOrigin: true,
    configure: keepForeignOrigins(`${address}/`),
  };
  const vite = await createServer({
    configFile: false,
    root: "dev",
    logLevel: "silent",
    server: { host: "127.0.0.1", port: 0, hmr: false, proxy: { "/api": forward } },
  });
  await vite.listen();
  if (!vite.httpServer) throw new Error("no server");
  own = `http://127.0.0.1:${port(vite.httpServer)}`;
  stop = () => vite.close();
});
afterAll(async () => {
  await stop();
  target.close();
});

function seen(origin: string | undefined, upgrade: boolean): Promise<string> {
  const headers = {
    ...(origin === undefined ? {} : { origin }),
    ...(upgrade ? { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" } : {}),
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${own}/api/x`, { headers }, (answer) => {
      const told = answer.headers["x-origin"];
      if (typeof told === "string") return resolve(told);
      let text = "";
      answer.on("data", (piece) => {
        text += piece;
      });
      answer.on("end", () => resolve(text));
    });
    asked.on("error", reject);
    asked.end();
  });
}

for (const upgrade of [false, true]) {
  const kind = upgrade ? "an upgrade" : "a request";

  test(`${kind} of the own page gets the server's origin`, async () => {
    expect(await seen(own, upgrade)).toBe(`http://127.0.0.1:${port(target)}`);
  });

  test(`${kind} of a foreign page keeps its origin`, async () => {
    for (const origin of ["http://evil.example", "null", `${own}.evil.example`])
      expect(await seen(origin, upgrade)).toBe(origin);
  });
}

test("a request without an origin gets none", async () => {
  expect(await seen(undefined, false)).toBe("none");
});
