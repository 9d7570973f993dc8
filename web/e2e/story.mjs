// The main use case in a real browser: project, terminal, milestone, and the same conversation
// after a reload.
import assert from "node:assert/strict";
import {
  agentIs,
  connected,
  createProject,
  gone,
  logIn,
  newPage,
  quiet,
  screenText,
  shows,
} from "./browser.mjs";
import { conversation, createMilestone, item } from "./milestones.mjs";

/** Longest wait until the agent is ready for a command, in milliseconds. */
const READY_MS = 120_000;

/** Claude Code's question in an unknown folder. */
const TRUST = "trust this folder";

/** Answers Claude Code's question about an unknown folder. Other agents do not ask. */
async function trustFolder(page) {
  if (!(await screenText(page)).replaceAll("\u00a0", " ").includes(TRUST)) return;
  const input = page.locator(".xterm-helper-textarea");
  // Claude Code selects "No, exit" at first, and again after an inhumanly fast answer.
  await quiet(page);
  await input.press("ArrowDown");
  await shows(page, "❯ Yes");
  await quiet(page);
  await input.press("Enter");
  await page.waitForFunction(
    (text) => !document.querySelector(".xterm-rows")?.textContent?.replaceAll("\u00a0", " ").includes(text),
    TRUST,
  );
}

export async function story(browser, { url, token, workspace }) {
  const step = (text) => console.log(`  ${text}`);
  const { context, page, errors, outside } = await newPage(browser);
  const name = `Story ${Date.now().toString(36)}`;

  await page.goto(url);
  await page.waitForURL(/\/login/);
  await page.fill('input[name="token"]', "not the token");
  await page.click('[type="submit"]');
  await page.waitForSelector('input[name="token"]');
  step("a wrong token does not log in");

  await logIn(page, url, token);
  const cookies = await context.cookies();
  assert.ok(
    cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly),
    "the login is an HttpOnly cookie",
  );
  step("logged in");

  await page.getByRole("button", { name: "New project" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Workspace folder").fill("not/absolute");
  await page.getByRole("button", { name: "Create project" }).click();
  const alert = await page.getByRole("alert").textContent();
  assert.ok(alert && alert.trim().length > 10, "a bad folder is explained");
  await page.getByRole("button", { name: "Cancel" }).click();
  step(`a bad folder is refused: ${alert.trim()}`);

  await createProject(page, name, workspace);
  await connected(page);
  await page.waitForFunction(
    () => (document.querySelector(".xterm-rows")?.textContent ?? "").trim().length > 40,
  );
  await Promise.race([agentIs(page, "idle", READY_MS), shows(page, TRUST, READY_MS)]);
  step("the terminal shows the agent");

  await trustFolder(page);
  await agentIs(page, "idle", READY_MS);
  const input = page.locator(".xterm-helper-textarea");
  await input.pressSequentially("typed by hand");
  await shows(page, "typed by hand");
  for (let i = 0; i < "typed by hand".length; i += 1) await input.press("Backspace");
  await gone(page, "typed by");
  step("keys reach the agent");

  await createMilestone(page, "First");
  await item(page, "First").getByRole("button", { name: "Start" }).click();
  await item(page, "First").getByText("in progress").waitFor({ timeout: READY_MS });
  await shows(page, "MILESTONE-CONTEXT.md", READY_MS);
  const before = await conversation(page);
  assert.match(before ?? "", /^[0-9a-f-]{36}$/);
  step(`the first milestone is in progress, in conversation ${before}`);

  await page.reload();
  await connected(page);
  await shows(page, "MILESTONE-CONTEXT.md");
  assert.equal(await conversation(page), before);
  step("after a reload: the same screen, the same conversation");

  await agentIs(page, "idle", READY_MS);
  await createMilestone(page, "Second");
  await item(page, "Second").getByRole("button", { name: "Start" }).click();
  await item(page, "Second").getByText("in progress").waitFor({ timeout: READY_MS });
  assert.equal(await conversation(page), before);
  await item(page, "First").getByRole("button", { name: "Mark completed" }).click();
  await item(page, "First").getByText("completed", { exact: true }).waitFor();
  step("a second milestone went into the same conversation; the first one is completed");

  await page.getByRole("button", { name: "End session" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await page.getByRole("button", { name: "Start again" }).click();
  await connected(page);
  await agentIs(page, "idle", READY_MS);
  assert.equal(await conversation(page), before);
  step("ended and started again: the same conversation");

  await page.getByRole("button", { name: "End session" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await page.getByRole("button", { name: "Start again" }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL(/\/login/);
  await page.goto(url);
  await page.waitForURL(/\/login/);
  step("logged out");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  assert.deepEqual(outside, [], "no request to another host");
  await context.close();
}
