// The build of the page: hashed assets in `dist/`, nothing inline, so that the server's CSP can be strict.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => {
  // `npm run dev` shows the page of the source tree on the API of a running server.
  const server = loadEnv(mode, ".", "WXCODE_").WXCODE_URL ?? "http://127.0.0.1:8052";
  const forward = { target: server, ws: true, changeOrigin: true, headers: { origin: server } };
  return {
    plugins: [svelte()],
    build: {
      target: "es2022",
      // A data: address for a small asset would need a wider CSP.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: {
      host: "127.0.0.1",
      proxy: { "/api": forward, "/login": forward, "/logout": forward },
    },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
  };
});
