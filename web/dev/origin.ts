/** The origin of requests that the development server forwards. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { ProxyOptions } from "vite";

/**
 * Gives requests of the own page the origin of `server`, which accepts no other. A request of a foreign page
 * keeps its origin, so the server refuses the request as it would without the proxy.
 */
export function keepForeignOrigins(server: string): NonNullable<ProxyOptions["configure"]> {
  const forward = (request: ClientRequest, incoming: IncomingMessage) => {
    const { origin, host } = incoming.headers;
    if (origin === `http://${host}`) request.setHeader("origin", new URL(server).origin);
  };
  return (proxy) => {
    proxy.on("proxyReq", forward);
    proxy.on("proxyReqWs", forward);
  };
}
