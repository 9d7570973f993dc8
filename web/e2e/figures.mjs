// Figures of the terminal for docs/performance.md, measured, not judged: a key to its paint next to
// plain xterm.js with a local echo and with an echo by a WebSocket, the first paint on a cold cache with a slow processor, and the memory of a page
// after much output. On a real server whose agent is a shell with the prompt `$ `.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";
import { connected, createProject, keyboard, launch, logIn, newPage, quiet, run, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
const KEYS = 200;
/** The slowdown of the processor for the first paint. */
const SLOWER = 4;
/** Output for the memory, in MiB, and its parts. */
const OUTPUT_MIB = Number(process.env.OUTPUT_MIB ?? 256);
const PARTS = 8;

const plain = createRequire(import.meta.url).resolve("@xterm/xterm");
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Times from a key's press to the frame after its letter showed, in milliseconds. */
async function keyToPaint(page) {
  const times = [];
  for (let n = 0; n < KEYS; n += 1) {
    const letter = "abcdefghijklmnopqrstuvwxyz"[n % 26];
    await page.evaluate(() => {
      const rows = document.querySelector(".xterm-rows");
      window.painted = new Promise((done) => {
        let pressed = 0;
        addEventListener("keydown", (event) => (pressed = event.timeStamp), { capture: true, once: true });
        const observer = new MutationObserver(() => {
          if (pressed === 0) return;
          observer.disconnect();
          requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => done(performance.now() - pressed);
            channel.port2.postMessage(0);
          });
        });
        observer.observe(rows, { subtree: true, childList: true, characterData: true });
      });
    });
    await page.keyboard.press(letter);
    times.push(await page.evaluate(() => window.painted));
    if (n % 40 === 39) await page.keyboard.press("Control+u");
    await page.waitForTimeout(15);
  }
  return times.sort((a, b) => a - b);
}

/**
 * The same times of plain xterm.js that echoes by itself, or by a server at `address` that sends back
 * each message at once: no terminal behind a network is faster.
 */
async function plainKeys(address) {
  const alone = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await alone.setContent("<div id=t style='height:700px'></div>");
  await alone.evaluate(readFileSync(plain, "utf8"));
  await alone.evaluate(async (address) => {
    const terminal = new window.Terminal({ cols: 120, rows: 40, cursorBlink: true });
    terminal.open(document.querySelector("#t"));
    if (address === null) terminal.onData((data) => terminal.write(data));
    else {
      const socket = new WebSocket(address);
      await new Promise((opened) => (socket.onopen = opened));
      socket.onmessage = ({ data }) => terminal.write(data);
      terminal.onData((data) => socket.send(data));
    }
    terminal.focus();
  }, address);
  const times = await keyToPaint(alone);
  await alone.close();
  return times;
}

const browser = await launch();
try {
  const { page } = await newPage(browser);
  await logIn(page, url, token);
  await createProject(page, "Figures", workspace);
  await connected(page);
  await shows(page, "$ ");
  const project = page.url();
  // A cursor that blinks changes the rows by itself.
  await quiet(page, 600).catch(() => {});
  await keyboard(page).focus();
  const own = await keyToPaint(page);

  const local = await plainKeys(null);
  const echo = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((listens) => echo.once("listening", listens));
  echo.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  const remote = await plainKeys(`ws://127.0.0.1:${echo.address().port}/`);
  echo.close();
  for (const [name, share] of [
    ["p50", 0.5],
    ["p95", 0.95],
  ]) {
    const [ours, here, there] = [own, local, remote].map((times) => at(times, share));
    console.log(
      `key to paint, ${name}: ${ours.toFixed(1)} ms; plain xterm.js with a local echo ${here.toFixed(1)} ms, ${(ours / here).toFixed(2)}×; with an echo by a WebSocket ${there.toFixed(1)} ms, ${(ours / there).toFixed(2)}×`,
    );
  }

  const paints = [];
  let bytes = 0;
  for (let round = 0; round < 5; round += 1) {
    const cold = await page.context().newPage();
    const tools = await page.context().newCDPSession(cold);
    await tools.send("Network.enable");
    await tools.send("Network.setCacheDisabled", { cacheDisabled: true });
    await tools.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    bytes = 0;
    tools.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await cold.addInitScript(() => {
      const look = () => {
        const rows = document.querySelector(".xterm-rows");
        if (rows?.textContent?.includes("$")) window.shown = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await cold.goto(project);
    await cold.waitForFunction(() => window.shown > 0);
    paints.push(await cold.evaluate(() => window.shown));
    await cold.close();
  }
  paints.sort((a, b) => a - b);
  console.log(
    `first terminal paint on a cold cache, ${SLOWER}× slower: ${at(paints, 0.5).toFixed(0)} ms (${paints.map((ms) => ms.toFixed(0))}), ${(bytes / 1_000).toFixed(0)} KB with gzip`,
  );

  const tools = await page.context().newCDPSession(page);
  const heap = async () => {
    await tools.send("HeapProfiler.collectGarbage");
    return (await tools.send("Runtime.getHeapUsage")).usedSize / 1_048_576;
  };
  const heaps = [];
  const each = Math.round((OUTPUT_MIB / PARTS) * 1_048_576);
  for (let part = 0; part <= PARTS; part += 1) {
    await run(
      page,
      `clear; yes "a line of output for the memory $RANDOM" | head -c ${each}; echo part-$((${part}+100))`,
    );
    await shows(page, `part-${part + 100}`, 300_000);
    heaps.push(await heap());
  }
  console.log(
    `heap after each ${OUTPUT_MIB / PARTS} MiB of output: ${heaps.map((size) => size.toFixed(1)).join(" ")} MiB`,
  );
} finally {
  await browser.close();
}
process.exit(0);
