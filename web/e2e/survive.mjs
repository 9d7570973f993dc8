// The main promise: the tab closes, the server dies and comes back, and the same conversation still
// runs. Asks on standard output for a kill and restart of the server, and waits for a line on
// standard input.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { agentIs, connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";
import { conversation, createMilestone, item } from "./milestones.mjs";

/** Longest wait until the agent is ready for a command, in milliseconds. */
const READY_MS = 120_000;

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function restartServer() {
  console.log("restart the server");
  await lines.next();
}

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await logIn(page, url, token);
  await createProject(page, "Survivor", workspace);
  const address = page.url();
  await createMilestone(page, "First");
  await item(page, "First").getByRole("button", { name: "Start" }).click();
  await item(page, "First").getByText("in progress").waitFor({ timeout: READY_MS });
  await agentIs(page, "idle", READY_MS);
  const before = await conversation(page);
  console.log(`the first milestone is in progress, in conversation ${before}`);

  await page.close();
  await restartServer();
  const again = await context.newPage();
  await again.goto(address);
  await connected(again);
  await shows(again, "MILESTONE-CONTEXT.md");
  assert.equal(await conversation(again), before);
  console.log("after a closed tab and a killed server: the same conversation");

  await restartServer();
  await connected(again);
  await agentIs(again, "idle", READY_MS);
  await createMilestone(again, "Second");
  await item(again, "Second").getByRole("button", { name: "Start" }).click();
  await item(again, "Second").getByText("in progress").waitFor({ timeout: READY_MS });
  assert.equal(await conversation(again), before);
  console.log("an open page reconnected, and a second milestone continued the conversation");

  if (process.env.SHOT) {
    await again.waitForTimeout(500);
    await again.screenshot({ path: process.env.SHOT });
  }
  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
