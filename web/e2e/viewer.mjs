// A viewer and the visitor of a share link on a real server with the fake agent: every offered
// control works for them, a text says why the others are not there, and no request is refused.
import assert from "node:assert/strict";
import { becomes, call, readyProject, send } from "./api.mjs";
import { launch, logIn, newPage, PHONE, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;

/** A page whose refused requests end up in `refused`. */
async function watched(browser, options) {
  const made = await newPage(browser, options);
  const refused = [];
  made.page.on("response", (response) => {
    // The stream of all projects is tried first; a caller with one project follows that one's.
    const [status, at] = [response.status(), response.url()];
    if (status === 403 && !/\/api\/v1\/events(\?|$)/.test(at)) refused.push(`${status} ${at}`);
  });
  return { ...made, refused };
}

const buttons = (page) =>
  page.$$eval("button, a.button", (all) =>
    all.filter((one) => one.checkVisibility() && !one.disabled).map((one) => one.textContent.trim()),
  );
const FORBIDDEN =
  /^(New project|Share|Settings|New milestone|Start|Mark completed|Mark failed|Delete|Edit|Cancel|End session|Start the session|Start again|Send|Queue|Start the run|Access|Yes|No|Continue this one)$/;
const offersNothing = async (page, where) =>
  assert.deepEqual(
    (await buttons(page)).filter((text) => FORBIDDEN.test(text)),
    [],
    where,
  );

const browser = await launch();
try {
  const admin = await newPage(browser);
  await logIn(admin.page, url, token);
  const id = await readyProject(admin.page, "Shop");
  const never = (await call(admin.page, "POST", "/output-projects", { name: "Never ran" })).id;
  await call(admin.page, "POST", "/milestones", { output_project_id: id, element_name: "Login page" });
  const made = await call(admin.page, "POST", "/tokens", { name: "watcher", role: "viewer" });
  await send(admin.page, id, "fake:permission");
  await becomes(admin.page, id, (session) => session.asks !== null);
  await send(admin.page, id, "waits in the queue");

  const { page, refused, errors } = await watched(browser);
  await logIn(page, url, made.token);
  await page.getByRole("link", { name: "Shop", exact: true }).waitFor();
  await page.getByText("Viewer", { exact: true }).waitFor();
  await page.getByText("You look on as a viewer: an operator or an admin answers.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Yes", exact: true }).isDisabled());
  await offersNothing(page, "overview");
  await page.getByRole("link", { name: "Shop", exact: true }).click();
  await page.getByRole("heading", { name: "Shop", level: 1 }).waitFor();
  await page.getByText("Login page").waitFor();
  await page.getByTitle("waits in the queue").waitFor();
  await shows(page, "fake");
  await page.getByText("an operator or an admin sends commands.").first().waitFor();
  await page.getByText("an operator or an admin answers.").waitFor();
  await offersNothing(page, "project");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").fill("start");
  const offered = await page.getByRole("dialog").getByRole("option").allTextContents();
  assert.ok(!offered.some((text) => /Start the session|New project|settings/i.test(text)), String(offered));
  await page.keyboard.press("Escape");
  await page.goto(`${url}/#/projects/${never}`);
  await page.getByText("It shows here as soon as somebody starts it.").waitFor();
  await offersNothing(page, "a project without a session");
  await page.goto(`${url}/#/people`);
  await page.getByRole("button", { name: "Make a login link" }).waitFor();
  await page.waitForTimeout(300);
  await offersNothing(page, "access");
  assert.deepEqual(refused, []);
  assert.deepEqual(errors, []);
  console.log("a viewer is offered nothing that the server refuses");

  const { url: link } = await call(admin.page, "POST", `/output-projects/${id}/shares`, {
    expires_in_s: 600,
  });
  const guest = await watched(browser, PHONE);
  await guest.page.goto(new URL(link, url).href);
  await guest.page.getByRole("heading", { name: "Shop", level: 1 }).waitFor();
  const log = guest.page.getByRole("log", { name: "Conversation" });
  await log.getByText("fake:permission").waitFor();
  const size = await log.evaluate((one) => Number.parseFloat(getComputedStyle(one).fontSize));
  assert.ok(size >= 14, `${size} px`);
  await offersNothing(guest.page, "the guest's conversation");
  for (const pane of ["Terminal", "Milestones", "Session"]) {
    await guest.page.getByRole("button", { name: pane, exact: true }).click();
    await offersNothing(guest.page, `the guest's ${pane}`);
  }
  assert.deepEqual(guest.refused, []);
  assert.deepEqual(guest.errors, []);
  console.log("a guest's phone reads the conversation first");
} finally {
  await browser.close();
}
process.exit(0);
