// Dialogs of the real Claude Code, answered in the page: trust, permissions, questions; also in the
// terminal at the same time. Needs a server whose Claude Code talks to the stub of the Messages
// API, asks before each `Bash`, and does not know the folder WXCODE_WORKSPACE.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { agentIs, connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";

/** Longest wait for the agent, in milliseconds. */
const READY_MS = 120_000;

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const QUESTIONS = [
  {
    question: "Which colour?",
    header: "Colour",
    multiSelect: false,
    options: [
      { label: "Red", description: "A rose" },
      { label: "Blue", description: "The sea" },
    ],
  },
  {
    question: "Which sizes?",
    header: "Sizes",
    multiSelect: true,
    options: [
      { label: "Small", description: "S" },
      { label: "Middle", description: "M" },
      { label: "Large", description: "L" },
    ],
  },
];

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  page.setDefaultTimeout(READY_MS);
  const keyboard = page.locator(".xterm-helper-textarea");
  const panel = (name) => page.getByRole("region", { name });
  const gone = (ask) => ask.waitFor({ state: "detached" });
  const say = async (text) => {
    await agentIs(page, "idle", READY_MS);
    await keyboard.focus();
    await page.keyboard.insertText(text);
    await shows(page, text.slice(0, 20), READY_MS);
    await page.keyboard.press("Enter");
  };

  await logIn(page, url, token);
  await createProject(page, "Answers", workspace);
  await connected(page);
  const trust = panel("Do you trust this folder?");
  await trust.getByText(workspace).waitFor({ timeout: READY_MS });
  const yes = trust.getByRole("button", { name: "Yes, I trust this folder" });
  await yes.waitFor();
  assert.ok(await yes.isDisabled());
  await trust.getByRole("checkbox").check();
  await yes.click();
  await gone(trust);
  await agentIs(page, "idle", READY_MS);
  console.log("a tick and a button trust the folder");

  await say("stub:bash echo from the page > proof.txt");
  const bash = panel("The agent wants to use Bash");
  await bash.getByText("echo from the page > proof.txt").waitFor({ timeout: READY_MS });
  await bash.getByRole("button", { name: "Yes", exact: true }).click();
  await gone(bash);
  await agentIs(page, "idle", READY_MS);
  assert.equal(await readFile(join(workspace, "proof.txt"), "utf8"), "from the page\n");
  console.log("an allowed command ran");

  await say("stub:bash touch never.txt");
  await bash.getByText("touch never.txt").waitFor({ timeout: READY_MS });
  await bash.getByRole("button", { name: "No", exact: true }).waitFor();
  await keyboard.focus();
  await page.keyboard.press("Escape");
  await gone(bash);
  await assert.rejects(readFile(join(workspace, "never.txt")));
  console.log("a dialog declined in the terminal left the page");

  await say("stub:ask");
  const question = panel("The agent asks you");
  await question.getByText("The colour of the sea").waitFor({ timeout: READY_MS });
  await question.getByRole("button", { name: "Blue" }).click();
  await gone(question);
  await shows(page, "Blue", READY_MS);
  console.log("a question was answered");

  await say(`stub:tool AskUserQuestion ${JSON.stringify({ questions: QUESTIONS })}`);
  await question.getByRole("radio", { name: "Red" }).waitFor({ timeout: READY_MS });
  await question.getByRole("textbox", { name: "Which colour?" }).fill("a warm grey");
  await question.getByRole("checkbox", { name: "Small" }).check();
  await question.getByRole("checkbox", { name: "Large" }).check();
  await question.getByRole("button", { name: "Send the answers" }).click();
  await gone(question);
  await shows(page, "a warm grey", READY_MS);
  await agentIs(page, "idle", READY_MS);
  console.log("two questions were answered at once, by a text and by two options");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
