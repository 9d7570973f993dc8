// A real Chromium for the scripts in this folder.
import { chromium } from "playwright-core";

/** Longest wait for anything in the page, in milliseconds. */
export const WAIT_MS = 20_000;

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page whose errors, CSP violations among them, end up in `errors`. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({
    locale: "en-US",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) errors.push(message.text());
  });
  const outside = [];
  page.on("request", (request) => {
    if (!/^(https?|ws):\/\/(127\.0\.0\.1|localhost)[:/]/.test(request.url())) outside.push(request.url());
  });
  return { context, page, errors, outside };
}

/** Opens the page and logs in through the server's form. */
export async function logIn(page, url, token) {
  await page.goto(url);
  await page.waitForURL(/\/login/);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.waitForSelector("main");
}

/** Makes a project by the form and waits until its terminal is connected. */
export async function createProject(page, name, workspace) {
  await page.getByRole("button", { name: "New project" }).click();
  await page.getByLabel("Name").fill(name);
  if (workspace) await page.getByLabel("Workspace folder").fill(workspace);
  await page.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}

export const connected = (page) => page.getByText("Connected", { exact: true }).first().waitFor();

/** Waits until the page says that the agent is in a state. */
export const agentIs = (page, state, ms = WAIT_MS) =>
  page.getByText(state, { exact: true }).filter({ visible: true }).first().waitFor({ timeout: ms });

/** The lines that the terminal shows. */
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
