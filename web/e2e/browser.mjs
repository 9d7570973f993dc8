// A real Chromium for the scripts in this folder.
import { chromium } from "playwright-core";

/** Longest wait for anything in the page, in milliseconds. */
export const WAIT_MS = 90_000;

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page whose errors, including CSP violations, end up in `errors`. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({
    locale: "en-US",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  // What the page shows, not what a screen reader hears of it.
  const byText = page.getByText.bind(page);
  const shown = page.locator(":not([data-region])");
  page.getByText = (...about) => byText(...about).and(shown);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) errors.push(message.text());
  });
  const outside = [];
  page.on("request", (request) => {
    if (!/^(https?|ws):\/\/(127\.0\.0\.1|localhost)[:/]/.test(request.url())) outside.push(request.url());
  });
  const said = [];
  page.on("websocket", (socket) => listen(socket, said));
  return { context, page, errors, outside, said };
}

/** A small touch screen. */
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/**
 * Traffic of a terminal's socket, one entry each: `connect ADDRESS`, the page's requests, `output
 * FROM TO` and the like.
 */
function listen(socket, said) {
  said.push(`connect ${socket.url()}`);
  socket.on("framesent", ({ payload }) => {
    const word = { 4: "input", 6: "resize", 12: "redraw", 17: "drive", 18: "ping" }[payload[0]];
    if (word) said.push(word);
  });
  socket.on("framereceived", ({ payload }) => {
    if (payload[0] === 66) {
      const from = Number(payload.readBigUInt64BE(1));
      said.push(`output ${from} ${from + payload.length - 9}`);
    }
    const word = { 65: "snapshot", 67: "resized", 81: "role", 83: "pong" }[payload[0]];
    if (word) said.push(word);
  });
}

/** Waits until a condition outside the page holds. */
export async function until(holds, ms = WAIT_MS) {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never came true: ${holds}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Columns and rows of the terminal. */
export const size = async (page) =>
  (await page.locator("[data-size]").getAttribute("data-size")).split("×").map(Number);

/** Waits until the terminal has a size accepted by `holds`. */
export async function hasSize(page, holds) {
  const end = Date.now() + WAIT_MS;
  while (!holds(...(await size(page)))) {
    if (Date.now() > end) throw new Error(`the terminal stays ${await size(page)}`);
    await page.waitForTimeout(20);
  }
}

/** The cut-off width of the terminal's columns, in pixels. */
export const overhang = (page) =>
  page.evaluate(() => {
    const right = (selector) => document.querySelector(selector).getBoundingClientRect().right;
    return right(".xterm-screen") - right(".xterm");
  });

/** Opens the page and logs in through the server's form. */
export async function logIn(page, url, token) {
  await page.goto(url);
  await page.waitForURL(/\/login/);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.waitForSelector("main#content");
}

/** Creates a project by the form, and starts its session. */
export async function createProject(page, name, workspace) {
  await page.getByRole("button", { name: "New project" }).click();
  await page.getByLabel("Name").fill(name);
  if (workspace) await page.getByLabel("Workspace folder").fill(workspace);
  await page.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await page.getByRole("button", { name: "Start the session" }).click();
}

export const connected = (page) => page.getByText("Connected", { exact: true }).first().waitFor();

/** Waits until the page shows the agent in a state. */
export const agentIs = (page, state, ms = WAIT_MS) =>
  page.getByText(state, { exact: true }).filter({ visible: true }).first().waitFor({ timeout: ms });

/** The terminal's keyboard. */
export const keyboard = (page) => page.locator(".xterm-helper-textarea");

/** Puts a command into the terminal and sends it. */
export async function run(page, command) {
  await keyboard(page).focus();
  await page.keyboard.insertText(command);
  await page.keyboard.press("Enter");
}

/** The visible lines of the terminal. */
export const screenText = (page) =>
  page.$$eval(".xterm-rows > div", (rows) => rows.map((row) => row.textContent ?? "").join("\n"));

/** Waits until the terminal did not change for a while. */
export const quiet = (page, ms = 1_000) =>
  page.evaluate(
    (wait) =>
      new Promise((done) => {
        let timer = setTimeout(finish, wait);
        const observer = new MutationObserver(() => {
          clearTimeout(timer);
          timer = setTimeout(finish, wait);
        });
        function finish() {
          observer.disconnect();
          done();
        }
        const rows = document.querySelector(".xterm-rows");
        observer.observe(rows, { childList: true, characterData: true, subtree: true });
      }),
    ms,
  );

/** Waits until the terminal no longer shows `text`. */
export async function gone(page, text, ms = WAIT_MS) {
  await page
    .waitForFunction(
      (unwanted) => {
        const rows = [...document.querySelectorAll(".xterm-rows > div")];
        return !rows.some((row) => row.textContent?.replaceAll("\u00a0", " ").includes(unwanted));
      },
      text,
      { timeout: ms },
    )
    .catch(async (error) => {
      throw new Error(`the terminal still shows ${JSON.stringify(text)}:\n${await screenText(page)}`, {
        cause: error,
      });
    });
}

/** Waits until the terminal shows `text`. */
export async function shows(page, text, ms = WAIT_MS) {
  await page
    .waitForFunction(
      (wanted) => {
        const rows = [...document.querySelectorAll(".xterm-rows > div")];
        return rows
          .map((row) => row.textContent ?? "")
          .join("\n")
          .replaceAll("\u00a0", " ")
          .includes(wanted);
      },
      text,
      { timeout: ms },
    )
    .catch(async (error) => {
      throw new Error(`the terminal never showed ${JSON.stringify(text)}:\n${await screenText(page)}`, {
        cause: error,
      });
    });
}

/** Scrolls this many pages up or down in the terminal's history. */
export async function scroll(page, key, pages) {
  for (let i = 0; i < pages; i += 1) await keyboard(page).press(`Shift+${key}`);
}
