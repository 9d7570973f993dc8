// A project on a real server with the fake agent, in a workspace under git: its queue, settings,
// conversation, changes, access, and the answers without a server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { becomes, call, send } from "./api.mjs";
import { launch, logIn, newPage } from "./browser.mjs";
import { createMilestone, item } from "./milestones.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
const git = (...args) =>
  execFileSync("git", ["-C", workspace, "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
    stdio: "ignore",
  });

git("init", "--quiet");
git("commit", "--quiet", "--allow-empty", "--message=begin");
const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(page, url, token);
  const { id } = await call(page, "POST", "/output-projects", { name: "Shop", workspace_path: workspace });
  await page.goto(`${url}/#/projects/${id}`);
  await page.getByRole("button", { name: "Start the session" }).click();
  await becomes(page, id, (session) => session.agent_state === "idle");

  await send(page, id, "fake:permission");
  const ask = page.getByRole("region", { name: "The agent wants to use Bash" });
  await ask.getByRole("button", { name: "Yes", exact: true }).waitFor();
  const box = page.getByLabel("Command for the agent").first();
  for (const text of ["first words", "second words", "third words"]) {
    await box.fill(text);
    await box.press("Enter");
    await page.getByTitle(text, { exact: true }).waitFor();
  }
  const queue = page.getByRole("list", { name: "3 commands in the queue" });
  const waiting = (text) =>
    queue.getByRole("listitem").filter({ has: page.getByTitle(text, { exact: true }) });
  const texts = async () =>
    (await call(page, "GET", `/output-projects/${id}/deliveries`)).deliveries
      .filter(({ state }) => state === "queued")
      .map(({ text }) => text);
  await waiting("third words").getByRole("button", { name: "Move up" }).click();
  await page.waitForFunction(() => /first[\s\S]*third[\s\S]*second/.test(document.body.textContent));
  assert.deepEqual(await texts(), ["first words", "third words", "second words"]);
  await waiting("first words").getByRole("button", { name: "Move down" }).click();
  await page.waitForFunction(() => /third[\s\S]*first[\s\S]*second/.test(document.body.textContent));
  await waiting("second words").getByRole("button", { name: "Edit" }).click();
  await queue.getByLabel("Command for the agent").fill("better words");
  await queue.getByLabel("Not before").fill("2099-01-01T10:00");
  await queue.getByRole("button", { name: "Save" }).click();
  await waiting("better words").getByText("not before").waitFor();
  await waiting("first words").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("list", { name: "2 commands in the queue" }).waitFor();
  assert.deepEqual(await texts(), ["third words", "better words"]);
  console.log("the queue was moved, edited, put off and cancelled");

  await context.setOffline(true);
  await ask.getByText("The server does not answer.").waitFor();
  assert.ok(await ask.getByRole("button", { name: "Yes", exact: true }).isDisabled());
  await context.setOffline(false);
  await page.waitForFunction(() =>
    [...document.querySelectorAll("button.option")].some((button) => !button.disabled),
  );
  console.log("answers wait for the server");

  await page.keyboard.press("F6");
  await page.waitForFunction(() => document.activeElement?.id === "ask-title");
  await ask.getByRole("button", { name: "Yes", exact: true }).focus();
  await page.keyboard.press("Enter");
  await ask.waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.matches(".xterm-helper-textarea"));
  console.log("an answer by keyboard leads back into the terminal");

  await page.getByRole("button", { name: "Settings" }).click();
  const settings = page.getByRole("dialog", { name: "Project settings" });
  await settings.getByRole("textbox", { name: "Name", exact: true }).fill("Better shop");
  await settings.getByLabel("Model").fill("opus");
  await settings.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Better shop", level: 1 }).waitFor();
  assert.equal((await call(page, "GET", `/output-projects/${id}`)).settings.model, "opus");
  console.log("renamed, with another model");

  await createMilestone(page, "Log-in page");
  const milestones = async () => (await call(page, "GET", `/milestones?output_project_id=${id}`)).milestones;
  const [fresh] = await milestones();
  await item(page, "Log-in page").getByRole("button", { name: "Edit" }).click();
  await item(page, "Log-in page").getByLabel("Name").fill("Login page");
  await page.getByLabel("Context").fill("Other words.");
  await page.getByRole("button", { name: "Save" }).click();
  await item(page, "Login page").getByRole("button", { name: "Edit" }).waitFor();
  const [edited, ...more] = await milestones();
  assert.deepEqual(
    { ...edited, updated_at: null },
    { ...fresh, element_name: "Login page", context: "Other words.", context_bytes: 12, updated_at: null },
  );
  assert.deepEqual(more, []);
  await becomes(page, id, (session) => session.agent_state === "idle");
  await item(page, "Login page").getByRole("button", { name: "Start" }).click();
  await item(page, "Login page").getByText("in progress").waitFor();
  await item(page, "Login page").getByText("The agent's turn has ended. Is it done?").waitFor();
  await send(page, id, "fake:write src/login.ts");
  await becomes(page, id, (session) => session.agent_state === "working").catch(() => {});
  await becomes(page, id, (session) => session.agent_state === "idle");
  await item(page, "Login page").getByRole("link", { name: "Changes" }).click();
  await page.getByText("src/login.ts").first().waitFor();
  await page
    .getByRole("button", { name: /^Comment on line 1$/ })
    .first()
    .click();
  await page.getByLabel("What should be different?").fill("Use fewer words.");
  await page.getByRole("button", { name: "Add to the prompt" }).click();
  const prompt = page.getByLabel("Your comments, for the agent");
  assert.match(await prompt.inputValue(), /login\.ts:1\n> .*\nUse fewer words\.$/);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByText("Queued for the agent.").first().waitFor();
  console.log("a milestone was edited, started, and its changes commented");

  await page.getByRole("link", { name: "Back to the project" }).click();
  await page.getByRole("button", { name: "Conversation", exact: true }).first().click();
  const log = page.getByRole("log", { name: "Conversation" });
  await log.getByText("Use fewer words.").waitFor();
  await log.getByRole("heading", { name: "Login page" }).waitFor();
  await page.goto(`${url}/#/search?q=fewer`);
  await page
    .getByRole("link", { name: /Better shop/ })
    .first()
    .click();
  await page.locator("article.marked").getByText("Use fewer words.").waitFor();
  console.log("the conversation as turns, and the search leads into it");

  await page.goto(`${url}/#/projects/${id}`);
  await page.getByRole("button", { name: "Share" }).click();
  const share = page.getByRole("dialog", { name: "Share “Better shop”" });
  await share.getByRole("button", { name: "Make a link" }).click();
  const link = await share.getByLabel("Link for viewers").inputValue();
  const guest = await newPage(browser);
  await guest.page.goto(link);
  await guest.page.getByRole("heading", { name: "Better shop", level: 1 }).waitFor();
  await guest.page.getByText("Read-only").first().waitFor();
  await send(page, id, "fake:permission");
  await guest.page.waitForFunction(() => document.title.startsWith("(1)"));
  await share.getByRole("button", { name: "Revoke" }).click();
  await guest.page.waitForSelector('input[name="token"]');
  console.log("a guest watched by a link until it was revoked");

  await page.goto(`${url}/#/people`);
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill("ci");
  await page.getByLabel("Role").selectOption("viewer");
  await page.getByRole("button", { name: "Create token" }).click();
  const made = await page.getByLabel("ci", { exact: true }).inputValue();
  assert.match(made, /^wxc_/);
  await page
    .getByRole("cell", { name: "token.create" })
    .first()
    .waitFor({ state: "attached" })
    .catch(() => {});
  await page.getByRole("button", { name: "Revoke: ci" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("button", { name: "Revoke: ci" }).waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("cell", { name: "token.remove" }).first().waitFor();
  console.log("a token was made and revoked, as the audit says");

  await page.goto(`${url}/#/projects/${id}`);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Delete project" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete project" }).click();
  await page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  await page.getByText("No projects yet.").waitFor();
  console.log("the project is deleted");
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
