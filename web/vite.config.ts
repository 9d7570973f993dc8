// The build of the page: hashed assets in `dist/`, nothing inline, so that the server's CSP can be strict.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";
import { keepForeignOrigins } from "./dev/origin.ts";

/** Files that compress well, and are worth it. */
const TEXT = /\.(?:js|css|html|svg|webmanifest)$/;
/** Smaller files go out as they are, in bytes. */
const COMPRESSED_MIN = 1_024;

/** Writes compressed forms next to the files of the build: the server sends them as they are. */
const compressed = {
  name: "compressed",
  writeBundle({ dir = "dist" }: { dir?: string | undefined }) {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !TEXT.test(entry.name)) continue;
      const plain = readFileSync(path);
      if (plain.length < COMPRESSED_MIN) continue;
      const size = { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
      writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: size }));
      writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
    }
  },
};

export default defineConfig(({ mode }) => {
  // `npm run dev` shows the page of the source tree on the API of a running server.
  const server = loadEnv(mode, ".", "WXCODE_").WXCODE_URL ?? "http://127.0.0.1:8052";
  const forward = { target: server, ws: true, changeOrigin: true, configure: keepForeignOrigins(server) };
  return {
    // The page may lie below the path of a proxy.
    base: "./",
    plugins: [svelte(), compressed],
    build: {
      target: "es2022",
      // Older ones have no light-dark(), and its replacement does not follow a chosen theme.
      cssTarget: ["chrome123", "firefox120", "safari17.5"],
      // A data: address for a small asset would need a wider CSP.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: {
      host: "127.0.0.1",
      proxy: { "/api": forward, "/login": forward, "/logout": forward, "/share": forward },
    },
    test: { include: ["src/**/*.test.ts", "dev/**/*.test.ts"], environment: "node" },
  };
});
