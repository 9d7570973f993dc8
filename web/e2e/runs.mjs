// Runs and conversations of a project, on the mock server.
import assert from "node:assert/strict";
import { agentIs, connected, shows } from "./browser.mjs";
import { conversation } from "./milestones.mjs";
import { keyboard, opened, projectOf } from "./mocked.mjs";

/** Ends the session by its button. */
async function end(page) {
  await page.getByRole("button", { name: "End session" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await page.getByRole("button", { name: "Start again" }).waitFor();
}

async function run(page, prompt) {
  await page.getByLabel("Prompt for a run").fill(prompt);
  await page.getByRole("button", { name: "Start the run" }).click();
}

export const runs = {
  async "carries out a prompt without a terminal"(browser, mock) {
    const { page, context, errors } = await opened(browser, mock, "runs");
    await connected(page);
    await page.getByText("A run needs the project for itself: end the session first.").waitFor();
    assert.equal(await page.getByLabel("Prompt for a run").count(), 0);
    await end(page);
    await run(page, "look at the tests");
    await page.getByText("A run is under way, without a terminal.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Start again" }).count(), 0);
    await page.getByText("I read the tests first.").waitFor();
    await page.getByText("two of the three tests need a running database").waitFor();
    assert.equal(await page.getByText("I read the tests first.").count(), 0);
    await page.getByText("The run is over: succeeded.").waitFor();
    await page.getByRole("button", { name: "Open the terminal" }).click();
    await connected(page);
    await end(page);
    await run(page, "/fail now");
    await page.getByText("The agent ended with exit code 1").waitFor();
    await page.getByText("Earlier runs (1)").click();
    await page.getByText("two of the three tests need a running database").waitFor();
    assert.deepEqual(errors, []);
    await context.close();
  },

  async "stops a run that is under way"(browser, mock) {
    const { page, context } = await opened(browser, mock, "stops");
    await connected(page);
    await end(page);
    await run(page, "/wait for ever");
    await page.getByText("A run is under way, without a terminal.").waitFor();
    await page.reload();
    await page.getByText("A run is under way, without a terminal.").waitFor();
    assert.equal(await page.getByText("The agent could not be started.").count(), 0);
    await page.getByRole("button", { name: "Stop the run" }).click();
    await page.getByText("The run is over: stopped.").waitFor();
    await page.getByRole("button", { name: "Open the terminal" }).click();
    await connected(page);
    await shows(page, "? for shortcuts");
    await context.close();
  },

  async "continues an older conversation after a warning"(browser, mock) {
    const { page, context } = await opened(browser, mock, "conversations");
    await connected(page);
    await agentIs(page, "idle");
    const first = await conversation(page);
    await keyboard(page).pressSequentially("/clear");
    await keyboard(page).press("Enter");
    await page.waitForFunction(
      (id) => !document.querySelector('[title^="Copy the id: "]')?.getAttribute("title").endsWith(id),
      first,
    );
    await page.getByText("Conversations (2)").click();
    await page.getByText("started by /clear").waitFor();
    const again = page.getByRole("button", { name: `Continue conversation ${first.slice(0, 8)}` });
    await again.click();
    const dialog = page.getByRole("dialog", { name: `Continue conversation ${first.slice(0, 8)}?` });
    await dialog.getByText("It has to end first").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(projectOf(mock, "conversations").session.status, "running");
    await again.click();
    await dialog.getByRole("button", { name: "End it and continue this one" }).click();
    await dialog.waitFor({ state: "detached" });
    await connected(page);
    await shows(page, "? for shortcuts");
    assert.equal(await conversation(page), first);
    assert.equal(projectOf(mock, "conversations").session.claude_session_id, first);
    await page.getByText("Conversations (2)").waitFor();

    // The other conversation again, without a running session.
    await end(page);
    const other = page.getByRole("button", { name: /^Continue conversation/ });
    await other.click();
    await page.getByRole("dialog").getByText("can be continued later").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Continue this one" }).click();
    await connected(page);
    assert.notEqual(await conversation(page), first);
    await context.close();
  },
};
