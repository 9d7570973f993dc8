// The terminal's story in the engine named by the argument: login, typing, a paste, a reconnect, a phone's size.
// On a real server whose agent is a shell with the prompt `$ `.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { chromium } from "./engine/chromium.mjs";
import { firefox } from "./engine/firefox.mjs";
import { CONTROL, ENTER } from "./engine/keys.mjs";
import { webkit } from "./engine/webkit.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
/** Longest wait for anything in the page, in milliseconds. */
const WAIT_MS = 120_000;

const engine = await { chromium, firefox, webkit }[process.argv[2]]();

/** Waits until a function in the page gives something, and returns that. */
async function until(script, ...given) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    // A page that is being replaced answers nothing.
    const value = await engine.evaluate(script, ...given).catch(() => null);
    if (value) return value;
    if (Date.now() > end) {
      const text = await engine.evaluate(() => document.body.textContent).catch(String);
      throw new Error(`never came true: ${script} ${JSON.stringify(given)}\n${text}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}
const shows = (text) =>
  until((wanted) => {
    const rows = [...document.querySelectorAll(".xterm-rows > div")].map((row) => row.textContent ?? "");
    return rows.join("\n").replaceAll("\u00a0", " ").includes(wanted);
  }, text);
const connected = () =>
  until(() => [...document.querySelectorAll("span")].some((one) => one.textContent?.trim() === "Connected"));
/** Clicks the middle of the first element of a selector, with a text. */
async function click(selector, text = "") {
  const [x, y] = await until(
    (at, words) => {
      const found = [...document.querySelectorAll(at)].find((one) => one.textContent?.includes(words));
      if (!found) return null;
      const { left, top, width, height } = found.getBoundingClientRect();
      return width > 0 ? [left + width / 2, top + height / 2] : null;
    },
    selector,
    text,
  );
  await engine.click(x, y);
}
async function run(command) {
  await engine.evaluate(() => document.querySelector(".xterm-helper-textarea").focus());
  await engine.keys(command + ENTER);
}

try {
  await engine.goto(url);
  await click('input[name="token"]');
  await engine.keys(token + ENTER);
  await until(() => document.querySelector("main#content") !== null);
  console.log(`${engine.name}: logged in`);

  // The rows are read as text, so they are elements of the page.
  await engine.evaluate(() => localStorage.setItem("wxcode.drawing", "elements"));
  await engine.evaluate(() => localStorage.setItem("wxcode.language", "en"));
  await engine.evaluate(async (folder) => {
    const body = JSON.stringify({ name: "Engines", workspace_path: folder });
    const headers = { "content-type": "application/json" };
    const made = await fetch("/api/v1/output-projects", { method: "POST", body, headers });
    const { id } = await made.json();
    location.hash = `#/projects/${id}`;
  }, workspace);
  await click("button", "Start the session");
  await connected();
  await shows("$ ");
  await run("echo typed-$((1+1))");
  await shows("typed-2");
  console.log("keys reach the agent");

  // The text comes from a field of the page, by the user's own keys.
  await engine.evaluate(() => {
    const field = Object.assign(document.createElement("textarea"), { id: "source" });
    field.value = "echo pasted-$((2+2))";
    document.body.append(field);
    field.focus();
    field.select();
  });
  await engine.keys("c", [CONTROL]);
  await engine.evaluate(() => {
    document.querySelector("#source").remove();
    document.querySelector(".xterm-helper-textarea").focus();
  });
  await engine.keys("v", [CONTROL]);
  await shows("echo pasted-$((2+2))");
  await engine.keys(ENTER);
  await shows("pasted-4");
  console.log("a paste reaches the agent");

  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log("restart the server");
  await answers.next();
  await connected();
  await shows("pasted-4");
  await run("echo back-$((3+3))");
  await shows("back-6");
  console.log("the connection comes back after a restart");

  await engine.resize(390, 800);
  const cols = await until(() => {
    const size = document.querySelector("[data-size]")?.getAttribute("data-size") ?? "";
    const count = Number.parseInt(size, 10);
    return count > 20 && count < 75 ? count : null;
  });
  await run("clear; echo small-$((4+4))-$(tput cols)");
  await shows(`small-8-${cols}`);
  const wide = await engine.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  console.log(`at a phone's size the terminal has ${cols} columns`);
} finally {
  await engine.close();
}
process.exit(0);
