// Shift+Enter on the real Claude Code: a new line in its prompt.
import assert from "node:assert/strict";
import { agentIs, connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";

const READY_MS = 120_000;
const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { page, errors } = await newPage(browser);
  page.setDefaultTimeout(READY_MS);
  await logIn(page, url, token);
  await createProject(page, "Lines", workspace);
  await connected(page);
  await agentIs(page, "idle", READY_MS);
  await page.locator(".xterm-helper-textarea").focus();
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await shows(page, "second line", READY_MS);
  await page.keyboard.press("Enter");
  await shows(page, "stub: 1 user message", READY_MS);
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
