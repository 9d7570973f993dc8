// The page's behaviour under faults, which the mock server makes on request.
import assert from "node:assert/strict";
import { connected, hasSize, logIn, newPage, overhang, PHONE, screenText, shows, size } from "./browser.mjs";
import { agentOf, keyboard, opened, sessionOf } from "./mocked.mjs";

export const behaviours = {
  async "answers no terminal query"(browser, mock) {
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
    // The program enables focus reports with every redraw: the page reports only the user's real
    // focus changes.
    await page.getByLabel("Command for the agent").focus();
    await page.getByLabel("Command for the agent").fill("x");
    await keyboard(page).focus();
    await page.keyboard.type("!");
    await shows(page, "> done!");
    assert.equal(agent.received, "\rdone\x1b[O\x1b[I!");
    await context.close();
  },

  async "reconnects with the whole screen"(browser, mock) {
    const { page, context } = await opened(browser, mock, "drops");
    await connected(page);
    await keyboard(page).pressSequentially("before");
    await shows(page, "> before");
    const agent = agentOf(mock, "drops");
    await context.setOffline(true);
    mock.drop();
    await page.getByText("Connection lost. Trying again…").waitFor();
    await page.getByText("Your keys are kept until the connection is back.").waitFor();
    const received = agent.received;
    await keyboard(page).pressSequentially(" kept");
    assert.equal(agent.received, received);
    await page.getByText("Reconnecting…").or(page.getByText("Connection lost")).first().waitFor();
    await context.setOffline(false);
    await connected(page);
    await keyboard(page).pressSequentially(" after");
    await shows(page, "> before kept after");
    // The user's focus report follows the kept keys.
    assert.equal(agent.received, `${received} kept\x1b[I after`);
    assert.equal((await screenText(page)).match(/for shortcuts/g)?.length, 1, "the screen is drawn once");
    await context.close();
  },

  async "shows the exit and restarts on request"(browser, mock) {
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

  async "shows an ended session without starting one"(browser, mock) {
    const { page, context } = await opened(browser, mock, "looked at");
    await connected(page);
    await keyboard(page).pressSequentially("/exit 3");
    await keyboard(page).press("Enter");
    await page.getByText("The session has ended with exit code 3.").waitFor();
    const { session_id } = sessionOf(mock, "looked at");
    const looking = await context.newPage();
    for (const address of [page.url(), `${page.url()}?read_only`]) {
      await looking.goto(address);
      await looking.reload();
      await looking.getByText("The session has ended with exit code 3.").waitFor();
      await shows(looking, "Pretend Code");
    }
    assert.equal(await looking.getByRole("button", { name: "Start again" }).count(), 0);
    await looking.getByText("It shows here as soon as somebody starts it.").waitFor();
    assert.equal(sessionOf(mock, "looked at").session_id, session_id);
    assert.equal(sessionOf(mock, "looked at").status, "exited");
    await page.getByRole("button", { name: "Start again" }).click();
    await connected(page);
    await connected(looking);
    await context.close();
  },

  async "explains a failed start"(browser, mock) {
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

  async "explains a session that was not resumed"(browser, mock) {
    const failed = await opened(browser, mock, "no agent here, cut off");
    await failed.page
      .getByText("It could not be resumed when the server started: the agent could not start")
      .waitFor();
    await failed.context.close();
    const { page, context } = await opened(browser, mock, "cut off");
    await connected(page);
    await page.getByText("It could not be resumed").waitFor({ state: "detached" });
    await context.close();
  },

  async "reports a lost conversation until dismissed"(browser, mock) {
    const { page, context } = await opened(browser, mock, "lost");
    await connected(page);
    const warning = page.getByRole("alert").filter({ hasText: "The earlier conversation is gone." });
    await warning.waitFor();
    await shows(page, "? for shortcuts");
    await warning.getByRole("button", { name: "Dismiss" }).click();
    await warning.waitFor({ state: "detached" });
    await context.close();
  },

  async "shows an unknown project without a terminal"(browser, mock) {
    const { page, context } = await newPage(browser);
    await logIn(page, mock.url, mock.token);
    let sockets = 0;
    page.on("websocket", () => {
      sockets += 1;
    });
    await page.goto(`${mock.url}/#/projects/${"0".repeat(24)}`);
    await page.getByText("This does not exist").waitFor();
    await page.getByRole("link", { name: "All projects" }).click();
    await page.getByRole("heading", { name: "Projects" }).waitFor();
    assert.equal(sockets, 0);
    await context.close();
  },

  async "redirects to the login page"(browser, mock) {
    const { page, context } = await opened(browser, mock, "forgotten");
    await connected(page);
    await context.clearCookies();
    await page.waitForURL(/\/login/);
    await context.close();
  },

  async "shows a failed delivery"(browser, mock) {
    const { page, context } = await opened(browser, mock, "fails");
    await connected(page);
    await page.getByLabel("Command for the agent").fill("/bad command");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("The agent did not take the command. Look at the terminal and retry.").waitFor();
    const place = page.url();
    await context.close();
    const other = await newPage(browser, { locale: "pt-BR" });
    await logIn(other.page, mock.url, mock.token);
    await other.page.goto(place);
    await other.page.getByText("O agente não recebeu o comando.").waitFor();
    await other.context.close();
  },

  async "shows all columns of a larger session"(browser, mock) {
    const { page, context } = await opened(browser, mock, "sizes");
    await connected(page);
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "sizes");
    const desktop = [agent.cols, agent.rows];
    assert.deepEqual(desktop, await size(page));

    const phone = await newPage(browser, PHONE);
    await logIn(phone.page, mock.url, mock.token);
    await phone.page.goto(page.url());
    await connected(phone.page);
    await shows(phone.page, "? for shortcuts");
    await phone.page.getByText("Another window set the size").waitFor();
    assert.deepEqual(await size(phone.page), desktop);
    assert.ok((await overhang(phone.page)) <= 0, "all columns are to be seen");
    assert.equal(await page.getByText("Another window set the size").count(), 0);

    await phone.page.getByRole("button", { name: "Use this window" }).tap();
    await phone.page.getByText("Another window set the size").waitFor({ state: "detached" });
    await page.getByText("Another window set the size").waitFor();
    await hasSize(phone.page, (cols) => cols < 70);
    await shows(phone.page, "? for shortcuts");
    const small = await size(phone.page);
    assert.deepEqual([agent.cols, agent.rows], small);
    await hasSize(page, (cols) => cols === small[0]);
    assert.deepEqual(await size(page), small);

    // Focus reports are not typing; a key is.
    await page.getByLabel("Command for the agent").focus();
    await keyboard(page).focus();
    await page.keyboard.type("mine");
    await shows(page, "> mine");
    await page.getByText("Another window set the size").waitFor({ state: "detached" });
    await hasSize(page, (cols) => cols === desktop[0]);
    assert.deepEqual([agent.cols, agent.rows], desktop);
    await phone.page.getByText("Another window set the size").waitFor();
    await phone.context.close();
    await context.close();
  },

  async "views read-only on request"(browser, mock) {
    const { page, context } = await opened(browser, mock, "looks");
    await connected(page);
    await shows(page, "? for shortcuts");
    const agent = agentOf(mock, "looks");
    const own = [agent.cols, agent.rows];
    const [looking] = await Promise.all([
      context.waitForEvent("page"),
      page.getByRole("link", { name: "Open read-only" }).click(),
    ]);
    await looking.setViewportSize({ width: 700, height: 500 });
    await connected(looking);
    await looking.getByText("Read-only").waitFor();
    await shows(looking, "? for shortcuts");
    agent.received = "";
    await keyboard(looking).focus();
    await looking.keyboard.type("nothing of this");
    await keyboard(page).focus();
    await page.keyboard.type("but this");
    await shows(looking, "> but this");
    assert.equal(agent.received.replace(/\x1b\[[IO]/g, ""), "but this");
    assert.deepEqual([agent.cols, agent.rows], own);
    assert.deepEqual(await size(looking), own);
    assert.equal(await looking.getByRole("button", { name: "End session" }).count(), 0);
    assert.equal(await looking.getByRole("button", { name: "Use this window" }).count(), 0);
    assert.equal(await looking.getByRole("alert").count(), 0, "nothing is refused, because nothing is asked");
    await context.close();
  },

  async "reports a session without a recording"(browser, mock) {
    const { page, context } = await opened(browser, mock, "full disk");
    await connected(page);
    await page.getByText("Nothing more of this session is recorded: the disk is full: make room").waitFor();
    await context.close();
  },

  async "sends only missing input again"(browser, mock) {
    const { page, context } = await opened(browser, mock, "again");
    await connected(page);
    await shows(page, "? for shortcuts");
    const { stream, agent } = sessionOf(mock, "again");
    agent.received = "";
    await keyboard(page).pressSequentially("a");
    await shows(page, "> a");
    stream.mute = true;
    await keyboard(page).pressSequentially("b");
    await shows(page, "> ab");
    stream.deaf = true;
    await keyboard(page).pressSequentially("cd");
    mock.drop();
    stream.deaf = false;
    await page.getByText("Connection lost. Trying again…").waitFor();
    await connected(page);
    await shows(page, "> abcd");
    stream.mute = false;
    await keyboard(page).pressSequentially("e");
    await shows(page, "> abcde");
    assert.equal(agent.received.replace(/\x1b\[[IO]/g, ""), "abcde");
    assert.equal(await page.getByRole("alert").count(), 0);
    await context.close();
  },

  async "reports input that was not typed"(browser, mock) {
    const { page, context } = await opened(browser, mock, "refuses");
    await connected(page);
    await shows(page, "? for shortcuts");
    const { stream } = sessionOf(mock, "refuses");
    stream.refusal = "the agent reads nothing: wait, then type it again";
    await keyboard(page).pressSequentially("x");
    await page.getByText("Not typed: the agent reads nothing: wait, then type it again").waitFor();
    await page.getByRole("alert").getByRole("button", { name: "Dismiss" }).click();
    stream.refusal = null;
    stream.deaf = true;
    await keyboard(page).pressSequentially("left");
    mock.drop();
    // The session ends while the page is disconnected, and another one starts.
    mock.restart("refuses");
    await page.getByText("Another session runs now. 4 bytes of your input").waitFor();
    await shows(page, "? for shortcuts");
    assert.ok(!(await screenText(page)).includes("left"));
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

  async "has Portuguese texts and phone keys"(browser, mock) {
    const { page, context } = await newPage(browser, { ...PHONE, locale: "pt-BR" });
    await logIn(page, mock.url, mock.token);
    await page.getByRole("button", { name: "Novo projeto" }).click();
    await page.getByLabel("Nome").fill("Loja");
    await page.getByRole("button", { name: "Criar projeto" }).click();
    await page.getByText("Nenhuma sessão foi iniciada aqui ainda.").waitFor();
    await page.getByRole("button", { name: "Iniciar a sessão" }).tap();
    await page.getByText("Conectado", { exact: true }).first().waitFor();
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
