// A connection that dies without a word, on a real server behind a proxy, whose agent is a shell
// with the prompt `$ `. The script asks for the proxy's weather by lines on standard output.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { connected, createProject, keyboard, launch, logIn, newPage, shows, until } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
/** The promise is 60 s; the rest is room for a busy machine. */
const NOTICED_MS = 100_000;
/** A page that wakes notices within 5 s. */
const WOKEN_MS = 40_000;
/** The pauses between two attempts of the page, and a handshake's longest time, twice. */
const BACK_MS = 60_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function weather(which) {
  console.log(`weather: ${which}`);
  await answers.next();
}
const run = async (page, command) => {
  await keyboard(page).focus();
  await page.keyboard.type(`${command}\n`);
};
const lost = (page, ms) =>
  page
    .getByText(/^(Connection lost\. Trying again…|Reconnecting…)$/)
    .first()
    .waitFor({ timeout: ms });
const back = (page) => page.getByText("Connected", { exact: true }).first().waitFor({ timeout: BACK_MS });
/** The sockets' traffic after this many entries: it continues at its byte, without a screen. */
const continues = (said, from) => {
  const after = said.slice(from);
  const connects = after.filter((line) => line.startsWith("connect "));
  assert.ok(
    connects.length > 0 && connects.every((line) => /[?&]since=\d+/.test(line)),
    `no connection at the byte: ${after}`,
  );
  const screen = after.indexOf("snapshot");
  // The page asks for its history by itself; such a screen replaces no missing bytes.
  const asked = after.slice(0, screen).includes("redraw");
  assert.ok(screen < 0 || asked, `a screen instead of the missing bytes: ${after}`);
};

const browser = await launch();
try {
  const { page, said, errors } = await newPage(browser);
  let streams = 0;
  page.on("request", (request) => {
    if (/\/events(\?|$)/.test(request.url())) streams += 1;
  });
  await logIn(page, url, token);
  await createProject(page, "Silent", workspace);
  await connected(page);
  await shows(page, "$ ");
  await run(page, "echo before-$((1+1))");
  await shows(page, "before-2");
  // The history has come.
  await until(() => said.lastIndexOf("snapshot") > said.indexOf("redraw") && said.includes("redraw"));

  let from = said.length;
  let streamed = streams;
  await weather("silent");
  const began = Date.now();
  await lost(page, NOTICED_MS);
  console.log(`a silent connection was noticed after ${Date.now() - began} ms`);
  await until(() => streams > streamed, NOTICED_MS);
  // Keys of this time are kept, in their order, as those of `wxcode attach`.
  await page.getByText("Your keys are kept until the connection is back.").waitFor();
  await run(page, "echo held-$((5+5))");
  await weather("fair");
  await back(page);
  await shows(page, "held-10");
  await run(page, "echo after-$((2+2))");
  await shows(page, "after-4");
  continues(said, from);

  for (const [name, wake] of [
    ["online", () => window.dispatchEvent(new Event("online"))],
    ["visibilitychange", () => document.dispatchEvent(new Event("visibilitychange"))],
  ]) {
    from = said.length;
    streamed = streams;
    await weather("silent");
    const woken = Date.now();
    await page.evaluate(wake);
    await lost(page, WOKEN_MS);
    console.log(`${name}: noticed after ${Date.now() - woken} ms`);
    await until(() => streams > streamed, WOKEN_MS);
    await weather("fair");
    await back(page);
    await run(page, `echo awake-by-${name}`);
    await shows(page, `awake-by-${name}`);
    continues(said, from);
  }

  // A wake on a live connection changes nothing: the answer comes on the same connection.
  from = said.length;
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await until(() => said.slice(from).some((line) => line === "pong" || line.startsWith("connect ")));
  assert.ok(!said.slice(from).some((line) => line.startsWith("connect ")), "no new connection");
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
