// Conversations and runs on a server with a scripted agent: `/clear`, switching back, and a run.
import assert from "node:assert/strict";
import { agentIs, connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";
import { conversation } from "./milestones.mjs";

/** Longest wait for the agent, in milliseconds. */
const READY_MS = 120_000;

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  page.setDefaultTimeout(READY_MS);
  const say = async (text) => {
    await agentIs(page, "idle", READY_MS);
    await page.locator(".xterm-helper-textarea").focus();
    await page.keyboard.insertText(text);
    await shows(page, text, READY_MS);
    await page.keyboard.press("Enter");
  };
  const end = async () => {
    await page.getByRole("button", { name: "End session" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
    await page.getByRole("button", { name: "Start again" }).waitFor();
  };

  await logIn(page, url, token);
  await createProject(page, "Conversations", workspace);
  await connected(page);
  await say("remember the first conversation");
  await shows(page, "stub: 1 user message", READY_MS);
  await agentIs(page, "idle", READY_MS);
  const first = await conversation(page);
  await say("/rename First things");
  await say("/clear");
  await page.waitForFunction(
    (id) => !document.querySelector('[title^="Copy the id: "]')?.getAttribute("title").endsWith(id),
    first,
    { timeout: READY_MS },
  );
  await page.getByText("Conversations (2)").click();
  await page.getByText("started by /clear").waitFor();
  await page.getByRole("button", { name: "Continue conversation First things" }).click();
  await page.getByRole("dialog").getByText("It has to end first").waitFor();
  await page.getByRole("button", { name: "End it and continue this one" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached", timeout: READY_MS });
  await connected(page);
  await shows(page, "remember the first conversation", READY_MS);
  assert.equal(await conversation(page), first);
  console.log(`back in conversation ${first}, after /clear`);

  await end();
  await page.getByLabel("Prompt for a run").fill("work by yourself");
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByText("The run is over: succeeded.").waitFor({ timeout: READY_MS });
  await page.getByText(/stub: \d+ user messages?; last: work by yourself/).waitFor();
  await page.getByRole("button", { name: "Open the terminal" }).click();
  await connected(page);
  await shows(page, "work by yourself", READY_MS);
  assert.equal(await conversation(page), first);
  console.log("a run continued the conversation, and the terminal continues after it");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
