// Pastes on a real server whose agent is in raw mode, enables bracketed paste, prints `ready`, and
// writes its input into `typed` in WXCODE_WORKSPACE: any text arrives inside its brackets, by each
// way into the terminal.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
const BEGIN = "\x1b[200~";
const END = "\x1b[201~";
const HOSTILE = `harmless ${END}\x15!id\r`;
const SAFE = `${BEGIN}harmless [201~!id\r${END}`;
const EVERY = String.fromCharCode(...Array(0xa0).keys());
/**
 * Tab, then line feed, vertical tab, form feed and carriage return; printable characters; next
 * line.
 */
const EVERY_SAFE = `${BEGIN}\t\r\r\r\r${EVERY.slice(0x20, 0x7f)}\r${END}`;

let expected = "";
/** Waits until the agent has read all expected input and this. */
async function reads(what, text) {
  expected += text;
  const end = Date.now() + 30_000;
  let typed = "";
  do {
    typed = await readFile(join(workspace, "typed"), "utf8").catch(() => "");
    if (typed.length >= expected.length) break;
    await new Promise((done) => setTimeout(done, 20));
  } while (Date.now() < end);
  assert.equal(JSON.stringify(typed), JSON.stringify(expected), what);
  console.log(`${what}: bracketed`);
}

/** Sends a browser event with this text to the terminal. */
const dispatch = (page, type, text) =>
  page.evaluate(
    ([kind, data]) => {
      const transfer = new DataTransfer();
      transfer.setData("text/plain", data);
      const init = { bubbles: true, cancelable: true };
      const event =
        kind === "paste"
          ? new ClipboardEvent(kind, { ...init, clipboardData: transfer })
          : new DragEvent(kind, { ...init, dataTransfer: transfer });
      document.querySelector(".xterm-helper-textarea").dispatchEvent(event);
    },
    [type, text],
  );

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await logIn(page, url, token);
  await createProject(page, "Pastes", workspace);
  await connected(page);
  await shows(page, "ready");
  const terminal = page.locator(".xterm-helper-textarea");
  const copy = (text) => page.evaluate((data) => navigator.clipboard.writeText(data), text);

  await dispatch(page, "paste", EVERY);
  await reads("a paste of every byte from 0x00 to 0x9f", EVERY_SAFE);

  for (const keys of ["Control+v", "Control+Shift+v", "Shift+Insert"]) {
    await copy(HOSTILE);
    await terminal.focus();
    await page.keyboard.press(keys);
    await reads(keys, SAFE);
  }

  await dispatch(page, "drop", HOSTILE);
  await reads("a drop", SAFE);
  await dispatch(page, "drop", EVERY);
  await reads("a drop of every byte", EVERY_SAFE);

  await terminal.focus();
  await page.keyboard.insertText(HOSTILE);
  await reads("a text that a keyboard of the screen inserts", SAFE);

  // The browser's own command, as from its menu and the middle button.
  await copy(HOSTILE);
  const done = await page.evaluate(() => {
    document.querySelector(".xterm-helper-textarea").focus();
    return document.execCommand("paste");
  });
  if (done) await reads("the browser's command", SAFE);
  else console.log("the browser's command: not available to pages here");

  // The page's button is for small screens.
  await page.setViewportSize({ width: 600, height: 800 });
  await copy(HOSTILE);
  await page.getByRole("button", { name: "Paste", exact: true }).click();
  await reads("the page's button", SAFE);
  await context.clearPermissions();
  await page.getByRole("button", { name: "Paste", exact: true }).click();
  await page.getByRole("dialog").locator("textarea").fill("a\r\nb\x1b[201~\nc");
  await page.getByRole("dialog").getByRole("button", { name: "Paste" }).click();
  await reads("the page's field", `${BEGIN}a\rb[201~\rc${END}`);

  // While screens are drawn, xterm.js does not know the modes of the program for a moment.
  await page.setViewportSize({ width: 1280, height: 800 });
  const rounds = 3;
  // A slow browser parses in many slices.
  const cpu = await context.newCDPSession(page);
  await cpu.send("Emulation.setCPUThrottlingRate", { rate: 20 });
  for (let round = 0; round < rounds; round += 1) {
    await page.reload();
    await shows(page, "ready");
    // From the first screen to behind the one with the history.
    const count = await page.evaluate(async (text) => {
      const until = performance.now() + 1_500;
      let pasted = 0;
      while (performance.now() < until) {
        const transfer = new DataTransfer();
        transfer.setData("text/plain", text);
        const init = { bubbles: true, cancelable: true, clipboardData: transfer };
        document.querySelector(".xterm-helper-textarea").dispatchEvent(new ClipboardEvent("paste", init));
        pasted += 1;
        await new Promise((done) => setTimeout(done, 2));
      }
      return pasted;
    }, HOSTILE);
    await reads(`${count} pastes while the screen is drawn`, SAFE.repeat(count));
  }

  await cpu.send("Emulation.setCPUThrottlingRate", { rate: 1 });

  // Keys stay keys, and clean keyboard text stays unchanged.
  await terminal.focus();
  await page.keyboard.press("Control+u");
  await page.keyboard.insertText("é漢");
  await page.keyboard.press("Escape");
  await reads("keys", "\x15é漢\x1b");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
