// Notices on a real server with the fake agent: permission is asked after a click only, the browser
// subscribes at the server, a pushed notice opens its project, and one region speaks for the page.
// The browser's own push service is out of reach: the test answers in its place.
import assert from "node:assert/strict";
import { becomes, call, readyProject, send } from "./api.mjs";
import { launch, logIn, newPage, until } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await page.addInitScript(() => {
    window.asked = 0;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => {
      window.asked += 1;
      return ask();
    };
    const keys = { p256dh: `B${"A".repeat(86)}`, auth: "AAAAAAAAAAAAAAAAAAAAAA" };
    const endpoint = "https://push.example.com/subscription/1";
    let made = null;
    PushManager.prototype.getSubscription = async () => made;
    PushManager.prototype.subscribe = async (options) => {
      made = {
        endpoint,
        options,
        toJSON: () => ({ endpoint, expirationTime: null, keys }),
        unsubscribe: async () => {
          made = null;
          return true;
        },
      };
      return made;
    };
  });
  await logIn(page, url, token);
  await context.grantPermissions(["notifications"], { origin: new URL(url).origin });
  const shop = await readyProject(page, "Shop");
  await readyProject(page, "Other");
  await page.reload();
  assert.equal(await page.evaluate(() => window.asked), 0, "nothing is asked without a click");
  const subscriptions = async () => (await call(page, "GET", "/push")).subscriptions;
  assert.deepEqual(await subscriptions(), []);
  await page.getByRole("button", { name: "Notify me" }).click();
  const on = page.getByRole("button", { name: "Notifications on" });
  await on.waitFor();
  assert.equal(await page.evaluate(() => window.asked), 1);
  await page.getByTitle("You are told also while no tab is open.").waitFor();
  assert.deepEqual(
    (await subscriptions()).map(({ endpoint }) => endpoint),
    ["https://push.example.com/subscription/1"],
  );
  console.log("a click asked for permission and subscribed the browser");

  const [worker] = context.serviceWorkers();
  const shown = () =>
    worker.evaluate(async () =>
      (await self.registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag })),
    );
  const push = (message) =>
    worker.evaluate(
      (data) =>
        new Promise((done) => {
          const event = new PushEvent("push", { data });
          // The browser takes it only for its own events.
          event.waitUntil = (promise) => promise.then(done, done);
          self.dispatchEvent(event);
        }),
      message,
    );
  const message = JSON.stringify({ project_id: shop, title: "Shop", state: "waiting_permission" });
  await push(message);
  assert.deepEqual(await shown(), [], "no notice of what a visible tab shows");
  await page.goto(`${url}/#/people`);
  await push(message);
  await push(message);
  await push("not JSON");
  const expected = { title: "Shop", body: "The agent needs your permission.", tag: `wxcode.${shop}` };
  assert.deepEqual(
    (await shown()).filter(({ title }) => title === "Shop"),
    [expected],
  );
  assert.ok((await shown()).some(({ body }) => body === "The agent needs you."));
  await worker.evaluate(async () => {
    const all = await self.registration.getNotifications();
    const notification = all.find(({ title }) => title === "Shop");
    const event = new NotificationEvent("notificationclick", { notification });
    // Without a press of the user the browser refuses the focus, not the way to the project.
    event.waitUntil = (promise) => promise.catch(() => {});
    self.dispatchEvent(event);
  });
  await page.getByRole("heading", { name: "Shop", level: 1 }).waitFor();
  await until(async () => !(await shown()).some(({ title }) => title === "Shop"));
  console.log("a pushed notice showed once, and its click opened the project");

  // What a screen reader hears by itself.
  await page.goto(`${url}/#/people`);
  await page.getByRole("heading", { name: "Access", level: 1 }).waitFor();
  await send(page, shop, "fake:permission");
  const called = page.locator('[data-region="assertive"]');
  await called.getByText("Shop: The agent needs your permission.").waitFor({ state: "attached" });
  await page.waitForFunction(() => document.title.startsWith("(1)"));
  assert.match(await page.locator('link[rel="icon"]').getAttribute("href"), /^data:image\/svg/);
  await page.goto(`${url}/#/projects/${shop}`);
  await page.getByRole("button", { name: "Yes", exact: true }).waitFor();
  const regions = () =>
    page.$$eval(
      '[aria-live]:not([aria-live="off"]), [role="status"], [role="alert"]:not([aria-live])',
      (all) => all.map((one) => one.dataset.region ?? one.outerHTML.slice(0, 120)),
    );
  assert.deepEqual(await regions(), ["polite", "assertive"]);
  const polite = page.locator('[data-region="polite"]');
  await polite.getByText("F6 leads from the terminal to the answers.").waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Yes", exact: true }).click();
  await becomes(page, shop, (session) => session.asks === null);
  await page.waitForFunction(() => document.querySelector('[data-region="assertive"]').textContent === "");
  await page.waitForFunction(() => !document.title.startsWith("("));
  console.log("one polite region, and an assertive one that calls for the waiting agent");

  await page.goto(`${url}/#/`);
  await on.click();
  await page.getByRole("button", { name: "Notify me" }).waitFor();
  assert.deepEqual(await subscriptions(), []);
  assert.deepEqual(errors, []);
  console.log("turned off, the browser is forgotten");
} finally {
  await browser.close();
}
process.exit(0);
