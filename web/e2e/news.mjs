// The page's news of a project, and its delay: milestones, planning, warnings; on the mock server.
import assert from "node:assert/strict";
import { agentIs, connected, shows, until } from "./browser.mjs";
import { createMilestone, item } from "./milestones.mjs";
import { agentOf, keyboard, opened } from "./mocked.mjs";

export const news = {
  async "shows a milestone's cause and queue position"(browser, mock) {
    const { page, context } = await opened(browser, mock, "milestones");
    await connected(page);
    await agentIs(page, "idle");
    await keyboard(page).pressSequentially("/ask");
    await keyboard(page).press("Enter");
    await page.getByRole("region", { name: "The agent wants to use Bash" }).waitFor();
    for (const name of ["First", "Second"]) {
      await createMilestone(page, name);
      await item(page, name).getByRole("button", { name: "Start" }).click();
    }
    await item(page, "First").getByText("1st in the queue").waitFor();
    await item(page, "Second").getByText("2nd in the queue").waitFor();
    await page.getByRole("button", { name: "Yes", exact: true }).click();
    await item(page, "Second").getByText("in progress").waitFor();
    await item(page, "Second").getByText("by its command").waitFor();
    assert.equal(await item(page, "Second").getByText("in the queue").count(), 0);

    await item(page, "Second").getByRole("button", { name: "Mark failed" }).click();
    await item(page, "Second").getByLabel("Why is it given up?").fill("The page is not needed any more.");
    await item(page, "Second").getByRole("button", { name: "Mark failed" }).click();
    await item(page, "Second").getByText("by hand: The page is not needed any more.").waitFor();
    await item(page, "Second").getByText("failed", { exact: true }).waitFor();
    await context.close();
  },

  async "shows planning entries by milestone"(browser, mock) {
    const { page, context } = await opened(browser, mock, "misplaced");
    await connected(page);
    await createMilestone(page, "Login");
    await item(page, "Login").getByRole("button", { name: "Start" }).click();
    const planning = page.getByRole("region", { name: "Planning" });
    await planning.getByText("Convert Login").waitFor();
    await planning.getByText("from Login").waitFor();
    await planning.getByText("0 of 1 phase · 0 %").waitFor();
    await planning.getByText("/.planning (Login)").waitFor();
    await planning.getByText("Login made 3 files and folders").click();
    await planning.getByText(".planning/phases/01-login/01-PLAN.md").waitFor();
    await context.close();
  },

  async "shows the session's warning"(browser, mock) {
    const { page, context } = await opened(browser, mock, "warned");
    await page.getByText("Hooks are turned off by a managed setting").waitFor();
    await context.close();
  },

  async "follows events from the last one"(browser, mock) {
    const { page, context } = await opened(browser, mock, "listens");
    await connected(page);
    await agentIs(page, "idle");
    const { events } = mock;
    await until(() => events.listeners === 1);
    let asked = 0;
    page.on("request", (request) => {
      if (/\/session$/.test(request.url())) asked += 1;
    });
    await page.waitForTimeout(5_000);
    assert.ok(asked <= 1, `asked ${asked} times while nothing happened`);
    events.cut();
    await until(() => events.listeners === 1);
    assert.match(events.behind.at(-1) ?? "", /^\d+$/);
    await keyboard(page).pressSequentially("/ask");
    await keyboard(page).press("Enter");
    await page.getByRole("region", { name: "The agent wants to use Bash" }).waitFor({ timeout: 1_000 });
    await context.close();
    await until(() => events.listeners === 0);
  },

  async "polls without an event stream"(browser, mock) {
    const { page, context } = await opened(browser, mock, "silent");
    await connected(page);
    await agentIs(page, "idle");
    await shows(page, "? for shortcuts");
    agentOf(mock, "silent").input("/ask\r");
    await page.getByRole("region", { name: "The agent wants to use Bash" }).waitFor({ timeout: 4_000 });
    agentOf(mock, "silent").input("\x1b");
    await agentIs(page, "idle");
    await context.close();
  },
};
