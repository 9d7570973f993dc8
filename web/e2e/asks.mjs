// Dialogs of the agent, answered in the page or in the terminal, on the mock server.
import assert from "node:assert/strict";
import { agentIs, connected, PHONE, shows } from "./browser.mjs";
import { agentOf, keyboard, opened, projectOf } from "./mocked.mjs";

/** Longest delay of a visible change, in milliseconds. */
const SOON_MS = 1_000;

const panel = (page, title) => page.getByRole("region", { name: title });
const option = (page, name) => page.getByRole("button", { name, exact: true });
const focused = (page, selector) => page.evaluate((css) => document.activeElement?.matches(css), selector);

/** A connected page with an idle agent. */
async function ready(browser, mock, name, options) {
  const it = await opened(browser, mock, name, options);
  await connected(it.page);
  await shows(it.page, "? for shortcuts");
  await agentIs(it.page, "idle");
  return it;
}

/** Types a command that makes the agent ask. */
async function type(page, command) {
  await keyboard(page).focus();
  await keyboard(page).pressSequentially(command);
  await keyboard(page).press("Enter");
}

export const asks = {
  async "shows a permission within a second and answers it"(browser, mock) {
    const { page, context, errors } = await ready(browser, mock, "asks");
    await type(page, "/ask");
    const ask = panel(page, "The agent wants to use Bash");
    await ask.waitFor({ timeout: SOON_MS });
    await ask.getByText("npm test -- --run login").waitFor();
    await ask.getByText("Run the tests of the login page").waitFor();
    assert.ok(await focused(page, ".xterm-helper-textarea"), "the terminal keeps the keyboard");
    assert.match(await page.title(), /^\(1\) /);
    await option(page, "Yes, and don't ask again for npm test commands in this folder").click();
    await ask.waitFor({ state: "detached" });
    await shows(page, "Yes, and don't ask again for npm test");
    assert.ok(await focused(page, ".xterm-helper-textarea"), "a click leaves the keyboard to the terminal");
    assert.deepEqual(errors, []);
    await context.close();
  },

  async "removes the panel after an answer in the terminal"(browser, mock) {
    const { page, context } = await ready(browser, mock, "elsewhere");
    await type(page, "/edit");
    const edit = panel(page, "The agent wants to use Edit");
    await edit.waitFor();
    await edit.getByText("/srv/projects/web-shop/src/login/form.ts").waitFor();
    await keyboard(page).press("Enter");
    await edit.waitFor({ state: "detached", timeout: SOON_MS });
    await shows(page, "Ready when you are");
    await agentIs(page, "idle");
    await type(page, "/ask");
    const ask = panel(page, "The agent wants to use Bash");
    await ask.waitFor();
    await keyboard(page).press("Escape");
    await ask.waitFor({ state: "detached", timeout: SOON_MS });
    await context.close();
  },

  async "takes answers by keyboard alone"(browser, mock) {
    const { page, context } = await ready(browser, mock, "keys");
    await type(page, "/ask");
    await panel(page, "The agent wants to use Bash").waitFor();
    await page.keyboard.press("F6");
    assert.ok(await focused(page, "#ask-title"));
    await page.keyboard.press("F6");
    assert.ok(await focused(page, ".xterm-helper-textarea"));
    await page.keyboard.press("F6");
    assert.ok(await focused(page, "#ask-title"));
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Yes");
    await page.keyboard.press("Enter");
    await panel(page, "The agent wants to use Bash").waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.matches(".xterm-helper-textarea"));
    // An incomplete answer after another client's: its rest must not be typed into the terminal.
    await agentIs(page, "idle");
    await type(page, "/question");
    const question = panel(page, "The agent asks you");
    await question.getByRole("textbox").focus();
    await page.keyboard.type("gre");
    const agent = agentOf(mock, "keys");
    agent.received = "";
    agent.answer({ id: agent.asks.id, answers: [{ options: ["Blue"], text: null }] });
    await question.waitFor({ state: "detached", timeout: SOON_MS });
    await page.keyboard.type("en\n");
    assert.equal(agent.received.replace(/\x1b\[[IO]/g, ""), "");
    assert.ok(await focused(page, "#content"));
    await context.close();
  },

  async "answers a question by option or text"(browser, mock) {
    const { page, context } = await ready(browser, mock, "question");
    await type(page, "/question");
    const ask = panel(page, "The agent asks you");
    await ask
      .getByRole("group", { name: "Which colour shall the button have?" })
      .waitFor({ timeout: SOON_MS });
    await ask.getByText("As on the old page").waitFor();
    await ask.getByRole("button", { name: "Blue" }).click();
    await shows(page, "⎿  Blue");
    await agentIs(page, "idle");
    await type(page, "/question");
    const send = ask.getByRole("button", { name: "Send your own answer" });
    assert.ok(await send.isDisabled());
    await ask.getByRole("textbox", { name: "Your own answer" }).fill("  a warm grey ");
    await send.click();
    await shows(page, "⎿  a warm grey");
    await ask.waitFor({ state: "detached" });
    await context.close();
  },

  async "answers several questions at once"(browser, mock) {
    const { page, context } = await ready(browser, mock, "questions");
    await type(page, "/questions");
    const ask = panel(page, "The agent asks you");
    const send = ask.getByRole("button", { name: "Send the answers" });
    await ask.getByRole("radio", { name: "Green" }).check();
    assert.ok(await send.isDisabled(), "one question has no answer yet");
    await ask.getByRole("checkbox", { name: "Safari" }).check();
    await ask.getByRole("checkbox", { name: "Chromium" }).check();
    await ask.getByRole("textbox", { name: "Which browsers must work?" }).fill("Ladybird");
    await send.click();
    await shows(page, "⎿  Green · Chromium, Safari, Ladybird");
    await ask.waitFor({ state: "detached" });
    await context.close();
  },

  async "trusts a folder only after a tick"(browser, mock) {
    const { page, context } = await opened(browser, mock, "untrusted");
    const ask = panel(page, "Do you trust this folder?");
    await ask.getByText(projectOf(mock, "untrusted").workspace_path).waitFor();
    await ask.getByText("may run commands with your rights").waitFor();
    const trust = option(page, "Yes, I trust this folder");
    assert.ok(await trust.isDisabled());
    assert.ok(await option(page, "No, exit").isEnabled());
    await ask.getByRole("checkbox").check();
    await trust.click();
    await ask.waitFor({ state: "detached" });
    await agentIs(page, "idle");
    await context.close();
  },

  async "shows a failed answer and allows another"(browser, mock) {
    const { page, context } = await ready(browser, mock, "deaf");
    await type(page, "/ask");
    const ask = panel(page, "The agent wants to use Bash");
    await option(page, "No").click();
    await ask.getByRole("alert").getByText("The answer did not reach the agent").waitFor();
    assert.ok(await option(page, "No").isEnabled());
    // All buttons are disabled while an answer is on its way.
    let let_go;
    await page.route("**/answer", (route) => {
      let_go = () => route.continue();
    });
    await option(page, "No").click();
    await ask.getByText("Your answer is on its way").waitFor();
    for (const name of ["Yes", "No"]) assert.ok(await option(page, name).isDisabled());
    let_go();
    await ask.getByRole("alert").waitFor();
    await keyboard(page).press("Enter");
    await ask.waitFor({ state: "detached" });
    await context.close();
  },

  async "leaves a dialog without choices to the terminal"(browser, mock) {
    const { page, context } = await ready(browser, mock, "panel");
    await type(page, "/panel");
    const ask = panel(page, "A dialog of the agent is open");
    await ask.getByText("Answer it in the terminal.").waitFor();
    assert.equal(await ask.getByRole("listitem").count(), 0);
    await keyboard(page).press("Escape");
    await ask.waitFor({ state: "detached" });
    await context.close();
  },

  async "never covers the terminal's end"(browser, mock) {
    const { page, context } = await ready(browser, mock, "places");
    const before = await page.locator(".xterm").boundingBox();
    await type(page, "/questions");
    await panel(page, "The agent asks you").waitFor();
    const beside = await panel(page, "The agent asks you").boundingBox();
    assert.deepEqual(await page.locator(".xterm").boundingBox(), before, "the terminal keeps its size");
    assert.ok(beside.x >= before.x + before.width, "nothing of the terminal is covered");

    const phone = await opened(browser, mock, "places on a phone", {
      ...PHONE,
      viewport: { width: 360, height: 740 },
    });
    await connected(phone.page);
    await shows(phone.page, "? for shortcuts");
    const agent = agentOf(mock, "places on a phone");
    const own = [agent.cols, agent.rows];
    await agentIs(phone.page, "idle");
    await type(phone.page, "/questions");
    const ask = panel(phone.page, "The agent asks you");
    await ask.waitFor();
    const box = await ask.boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
    assert.ok(box.y + box.height < 640, "the end of the terminal stays in view");
    assert.ok((await phone.page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
    assert.deepEqual([agent.cols, agent.rows], own, "the agent keeps its size");
    await ask.getByRole("button", { name: "Hide" }).tap();
    assert.ok((await ask.boundingBox()).height < 60);
    await ask.getByRole("button", { name: "Show" }).tap();
    const height = async () => (await ask.boundingBox()).height;
    const low = await height();
    await ask.getByRole("radio", { name: "Green" }).tap();
    await ask.getByRole("checkbox", { name: "Firefox" }).tap();
    assert.equal(await height(), low, "nothing moves under the finger");
    await ask.getByRole("textbox", { name: "Which browsers must work?" }).tap();
    await phone.page.keyboard.type("Ladybird");
    const high = await height();
    assert.ok(high > low, "the phone's keyboard leaves little room");
    await ask.getByRole("button", { name: "Send the answers" }).focus();
    assert.equal(await height(), high, "nothing moves under the finger");
    await ask.getByRole("button", { name: "Send the answers" }).tap();
    await shows(phone.page, "Green · Firefox, Ladybird");
    await phone.context.close();
    await context.close();
  },

  async "hides dialogs from a read-only window"(browser, mock) {
    const { page, context } = await ready(browser, mock, "lookers");
    await type(page, "/ask");
    await panel(page, "The agent wants to use Bash").waitFor();
    const looking = await context.newPage();
    await looking.goto(`${page.url()}?read_only`);
    await shows(looking, "Do you want to proceed?");
    assert.equal(await panel(looking, "The agent wants to use Bash").count(), 0);
    await context.close();
  },
};
