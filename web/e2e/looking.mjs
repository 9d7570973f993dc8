// A project on a real server whose agent is a shell with the prompt `$ `: opening the project
// starts nothing, before its first session and after its last one, and a read-only window follows
// when another client starts it.
import assert from "node:assert/strict";
import { connected, launch, logIn, newPage, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await logIn(page, url, token);
  await page.getByRole("button", { name: "New project" }).click();
  await page.getByLabel("Name").fill("Looked at");
  await page.getByLabel("Workspace folder").fill(workspace);
  await page.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("heading", { name: "Looked at", level: 1 }).waitFor();
  const address = page.url();
  const id = /[0-9a-f]{24}/.exec(address)[0];
  const session = () =>
    page.evaluate(async (path) => (await fetch(path)).json(), `/api/v1/output-projects/${id}/session`);

  await page.getByText("No session has run here yet.").waitFor();
  const looking = await context.newPage();
  await looking.goto(`${address}?read_only`);
  await looking.getByText("No session has run here yet.").waitFor();
  await looking.getByText("It shows here as soon as somebody starts it.").waitFor();
  assert.equal(await looking.getByRole("button", { name: "Start the session" }).count(), 0);
  await page.reload();
  await page.getByRole("button", { name: "Start the session" }).waitFor();
  assert.equal((await session()).status, "none");
  console.log("two windows and a reload started nothing");

  await page.getByRole("button", { name: "Start the session" }).click();
  await connected(page);
  await shows(page, "$ ");
  await connected(looking);
  await shows(looking, "$ ");
  console.log("the read-only window follows a session started by another one");

  await page.locator(".xterm-helper-textarea").focus();
  await page.keyboard.insertText("echo last-words-$((1+2)); exit 3");
  await page.keyboard.press("Enter");
  await page.getByText("The session has ended with exit code 3.").waitFor();
  const before = await session();
  assert.equal(before.status, "exited");
  for (const window of [page, looking]) {
    await window.reload();
    await window.getByText("The session has ended with exit code 3.").waitFor();
    await shows(window, "last-words-3");
  }
  assert.equal(await looking.getByRole("button", { name: "Start again" }).count(), 0);
  const after = await session();
  assert.deepEqual([after.status, after.session_id], ["exited", before.session_id]);
  console.log("an ended session shows its last screen without a start");

  await page.getByRole("button", { name: "Start again" }).click();
  await connected(page);
  await connected(looking);
  await shows(looking, "$ ");
  assert.equal((await session()).status, "running");
  console.log("its button started a session, and both windows follow");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
