// Two projects on a real server with the fake agent: the overview shows who needs a person, answers
// in place, and counts in the titles of hidden tabs, which share one stream of events; the palette
// leads to a project.
import assert from "node:assert/strict";
import { becomes, readyProject, send } from "./api.mjs";
import { launch, logIn, newPage } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;
const titleIs = (page, title) => page.waitForFunction((wanted) => document.title === wanted, title);
const hide = (page, hidden) =>
  page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser, { permissions: ["notifications"] });
  await context.addInitScript(() => {
    window.notified = [];
    // The user has asked for notifications in this browser.
    localStorage.setItem("wxcode.notify", "yes");
    ServiceWorkerRegistration.prototype.showNotification = async (title, options) => {
      window.notified.push(`${title}: ${options.body}`);
    };
    window.Notification = class {
      static permission = "granted";
      constructor(title, options) {
        window.notified.push(`${title}: ${options.body}`);
      }
      close() {}
    };
  });
  await logIn(page, url, token);
  await page.getByText("No projects yet.").waitFor();
  await page.getByText(/^The server finds Claude Code: .*fake-claude\.$/).waitFor();
  console.log("an empty list says what to do, and whether Claude Code is there");
  const first = await readyProject(page, "Web shop");
  const second = await readyProject(page, "Payments");
  const group = (name) => page.getByRole("region", { name });
  await group("Ready").getByRole("link", { name: "Web shop" }).waitFor();
  assert.equal(await page.title(), "wxcode");
  console.log("the overview shows new projects without a reload");

  await send(page, first, "fake:permission");
  const asking = page.getByRole("article").filter({ has: page.getByRole("link", { name: "Web shop" }) });
  await group("Needs you").getByRole("link", { name: "Web shop" }).waitFor();
  await asking.getByRole("button", { name: "Yes", exact: true }).waitFor();
  await titleIs(page, "(1) wxcode");
  assert.match(await page.getAttribute('link[rel="icon"]', "href"), /^data:image\/svg/);
  assert.deepEqual(
    await page.evaluate(() => window.notified),
    [],
    "a visible overview needs no notification",
  );
  console.log("a waiting project comes first, with its question and in the title");

  const other = await context.newPage();
  let streams = 0;
  other.on("request", (request) => {
    if (/\/api\/v1\/events(\?|$)/.test(request.url())) streams += 1;
  });
  await other.goto(`${url}/#/people`);
  await titleIs(other, "(1) Access · wxcode").catch(() => titleIs(other, "Access · wxcode"));
  await hide(page, true);
  await hide(other, true);
  await send(page, second, "fake:permission");
  await titleIs(page, "(2) wxcode");
  await other.waitForFunction(() => /^\(\d\)/.test(document.title));
  assert.equal(streams, 0, "the second tab needs no stream of its own");
  const notified = async () => [
    ...(await page.evaluate(() => window.notified)),
    ...(await other.evaluate(() => window.notified)),
  ];
  const end = Date.now() + 10_000;
  while ((await notified()).length === 0 && Date.now() < end) await page.waitForTimeout(50);
  assert.deepEqual(await notified(), ["Payments: The agent needs your permission."]);
  console.log("hidden tabs share a stream, count, and notify once");

  await hide(page, false);
  await asking.getByRole("button", { name: "Yes", exact: true }).click();
  await becomes(page, first, (session) => session.asks === null);
  await titleIs(page, "(1) wxcode");
  await group("Ready").getByRole("link", { name: "Web shop" }).waitFor();
  console.log("an answer in place frees the agent");

  await page.getByLabel("Find a project").fill("pay");
  await group("Ready").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Payments", exact: true }).waitFor();
  await page.getByLabel("Find a project").fill("");
  await page.getByLabel("Order").selectOption("name");
  const names = await page.getByRole("article").getByRole("link").allTextContents();
  assert.deepEqual(names, ["Payments", "Web shop"]);
  await page.getByLabel("Order").selectOption("attention");
  console.log("search and order");

  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to a project" }).fill("wsh");
  await page.getByRole("option", { name: /Web shop/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Web shop", level: 1 }).waitFor();
  await page.locator("#content").focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  console.log("the palette leads to a project, and ? lists the keys");
  assert.deepEqual(errors, []);
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
