// What the page does when things go wrong, on the mock server, which can be told to make them go wrong.
import assert from "node:assert/strict";
import { connected, createProject, logIn, newPage, screenText, shows } from "./browser.mjs";

const keyboard = (page) => page.locator(".xterm-helper-textarea");
const sessionOf = (mock, name) =>
  [...mock.projects.values()].find((project) => project.name === name).session;
const agentOf = (mock, name) => sessionOf(mock, name).agent;

/** A logged-in page with a project of its own, connected. */
async function opened(browser, mock, name, options) {
  const opened = await newPage(browser, options);
  await logIn(opened.page, mock.url, mock.token);
  await createProject(opened.page, name);
  return opened;
}

export const behaviours = {
  async "answers no terminal query, while keys and focus still go out"(browser, mock) {
    const { page, context } = await opened(browser, mock, "queries");
    await connected(page);
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "queries");
    await keyboard(page).focus();
    await page.keyboard.type("/queries");
    await shows(page, "/queries");
    agent.received = "";
    await page.keyboard.press("Enter");
    await page.keyboard.type("done");
    await shows(page, "> done");
    assert.equal(agent.received, "\rdone");
    // The program turns focus reports on with every redraw: only the user's coming and going is reported.
    await page.getByLabel("Command for the agent").focus();
    await page.getByLabel("Command for the agent").fill("x");
    await keyboard(page).focus();
    await page.keyboard.type("!");
    await shows(page, "> done!");
    assert.equal(agent.received, "\rdone\x1b[O\x1b[I!");
    await context.close();
  },

  async "comes back by itself, with the whole screen, and types nothing meanwhile"(browser, mock) {
    const { page, context } = await opened(browser, mock, "drops");
    await connected(page);
    await keyboard(page).pressSequentially("before");
    await shows(page, "> before");
    const agent = agentOf(mock, "drops");
    await context.setOffline(true);
    mock.drop();
    await page.getByText("Connection lost. Trying again…").waitFor();
    await page.getByText("Keys are not sent until the connection is back.").waitFor();
    const received = agent.received;
    await keyboard(page).pressSequentially("lost keys");
    await page.getByText("Reconnecting…").or(page.getByText("Connection lost")).first().waitFor();
    await context.setOffline(false);
    await connected(page);
    await keyboard(page).pressSequentially(" after");
    await shows(page, "> before after");
    // The first thing that the agent hears is that the user is there.
    assert.equal(agent.received, `${received}\x1b[I after`);
    assert.equal((await screenText(page)).match(/for shortcuts/g)?.length, 1, "the screen is drawn once");
    await context.close();
  },

  async "says with what the session ended, and starts it again when asked"(browser, mock) {
    const { page, context } = await opened(browser, mock, "ends");
    await connected(page);
    await keyboard(page).pressSequentially("/exit 3");
    await keyboard(page).press("Enter");
    await page.getByText("The session has ended with exit code 3.").waitFor();
    await page.getByText("exit code 3 · now").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await connected(page);
    await shows(page, "? for shortcuts");
    await context.close();
  },

  async "explains an agent that cannot start, and tries again only when asked"(browser, mock) {
    const { page, context } = await opened(browser, mock, "no agent here");
    let sockets = 0;
    page.on("websocket", () => {
      sockets += 1;
    });
    await page.getByText("The agent could not be started.").waitFor();
    await page.getByText("`claude` was not found on PATH").waitFor();
    assert.equal(await page.getByText("`claude` was not found on PATH").count(), 1);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The agent could not be started.").waitFor();
    assert.ok(sockets <= 2, `${sockets} connections`);
    await context.close();
  },

  async "tells that the conversation was lost until that was read"(browser, mock) {
    const { page, context } = await opened(browser, mock, "lost");
    await connected(page);
    const warning = page.getByRole("alert").filter({ hasText: "The earlier conversation is gone." });
    await warning.waitFor();
    await shows(page, "? for shortcuts");
    await warning.getByRole("button", { name: "Dismiss" }).click();
    await warning.waitFor({ state: "detached" });
    await context.close();
  },

  async "shows an unknown project as such and opens no terminal for it"(browser, mock) {
    const { page, context } = await newPage(browser);
    await logIn(page, mock.url, mock.token);
    let sockets = 0;
    page.on("websocket", () => {
      sockets += 1;
    });
    await page.goto(`${mock.url}/#/projects/${"0".repeat(24)}`);
    await page.getByText("There is no output project").waitFor();
    await page.getByRole("link", { name: "All projects" }).click();
    await page.getByRole("heading", { name: "Output projects" }).waitFor();
    assert.equal(sockets, 0);
    await context.close();
  },

  async "goes to the login page when the login is gone"(browser, mock) {
    const { page, context } = await opened(browser, mock, "forgotten");
    await connected(page);
    await context.clearCookies();
    await page.waitForURL(/\/login/);
    await context.close();
  },

  async "shows a delivery that failed, and keeps a milestone startable"(browser, mock) {
    const { page, context } = await opened(browser, mock, "fails");
    await connected(page);
    await page.getByLabel("Command for the agent").fill("/bad command");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("The agent did not take the command within 15 s").waitFor();
    await context.close();
  },

  async "follows the size that another window gave the session"(browser, mock) {
    const { page, context } = await opened(browser, mock, "sizes");
    await connected(page);
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "sizes");
    const own = [agent.cols, agent.rows];
    agent.resize(60, 20);
    await page.getByText("Sized 60×20 by another window").waitFor();
    assert.equal(await page.locator(".xterm-rows > div").count(), 20);
    assert.deepEqual([agent.cols, agent.rows], [60, 20], "following does not send a size");
    await page.getByRole("button", { name: "Fit to this window" }).click();
    await page.getByText("Sized 60×20").waitFor({ state: "detached" });
    await page.waitForFunction(
      (rows) => document.querySelectorAll(".xterm-rows > div").length === rows,
      own[1],
    );
    await shows(page, "? for shortcuts");
    assert.deepEqual([agent.cols, agent.rows], own);
    await context.close();
  },

  async "fits the terminal to its box"(browser, mock) {
    const { page, context } = await opened(browser, mock, "fits");
    await connected(page);
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "fits");
    const before = agent.cols;
    const rows = await page.locator(".xterm-rows > div").count();
    await page.setViewportSize({ width: 1000, height: 600 });
    await page.waitForFunction((n) => document.querySelectorAll(".xterm-rows > div").length < n, rows);
    await keyboard(page).pressSequentially("x");
    await shows(page, "> x");
    assert.ok(agent.cols < before, `${agent.cols} < ${before}`);
    assert.equal(agent.rows, await page.locator(".xterm-rows > div").count());
    await context.close();
  },

  async "survives more output than it can draw"(browser, mock) {
    const { page, context, errors } = await opened(browser, mock, "floods");
    await connected(page);
    await keyboard(page).pressSequentially("/flood 80");
    await keyboard(page).press("Enter");
    await shows(page, "? for shortcuts", 60_000);
    await connected(page);
    await keyboard(page).pressSequentially("still here");
    await shows(page, "> still here", 60_000);
    assert.deepEqual(errors, []);
    await context.close();
  },

  async "speaks Portuguese on a phone, and has the keys that a phone lacks"(browser, mock) {
    const { page, context } = await newPage(browser, {
      locale: "pt-BR",
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    await logIn(page, mock.url, mock.token);
    await page.getByRole("button", { name: "Novo projeto" }).click();
    await page.getByLabel("Nome").fill("Loja");
    await page.getByRole("button", { name: "Criar projeto" }).click();
    await page.getByText("Conectado", { exact: true }).waitFor();
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "Loja");
    agent.received = "";
    for (const key of ["Escape", "Tab", "Ctrl+C", "Para cima", "Direita"]) {
      await page.getByRole("button", { name: key, exact: true }).tap();
    }
    await page.getByRole("button", { name: "Colar", exact: true }).tap();
    await page.getByRole("dialog").getByRole("textbox").fill("uma\nduas");
    await page.getByRole("dialog").getByRole("button", { name: "Colar" }).tap();
    await shows(page, "uma⏎duas");
    assert.equal(
      agent.received.replace(/\x1b\[[IO]/g, ""),
      "\x1b\t\x03\x1b[A\x1b[C\x1b[200~uma\rduas\x1b[201~",
    );
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `the page is ${wide} px wide`);
    await context.close();
  },
};
