// Two people at one session of a real server with the fake agent: each sees who is here and who
// drives, takes over and hands over; a phone logs in by the QR code's link, once.
import assert from "node:assert/strict";
import { call, readyProject } from "./api.mjs";
import { connected, hasSize, launch, logIn, newPage, PHONE, size, until } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;

const browser = await launch();
try {
  const ann = await newPage(browser);
  await logIn(ann.page, url, token);
  const id = await readyProject(ann.page, "Shop");
  const made = await call(ann.page, "POST", "/tokens", { name: "Ben", role: "operator" });
  await ann.page.goto(`${url}/#/projects/${id}`);
  await connected(ann.page);
  await hasSize(ann.page, (cols) => cols !== 120);
  const own = await size(ann.page);

  const ben = await newPage(browser, { viewport: { width: 1000, height: 600 } });
  await logIn(ben.page, url, made.token);
  await ben.page.goto(`${url}/#/projects/${id}`);
  await connected(ben.page);
  const here = (page) => page.getByRole("list", { name: "Who is here" });
  const ofBen = here(ann.page).getByRole("listitem").filter({ hasText: "Ben" });
  await ofBen.getByText("follows").waitFor();
  await here(ben.page).getByRole("listitem").filter({ hasText: "this window" }).getByText("Ben").waitFor();
  await here(ben.page).getByText("drives").waitFor();
  console.log("each sees who is here and who drives");

  const looks = await call(ann.page, "POST", "/tokens", { name: "Cleo", role: "viewer" });
  const cleo = await newPage(browser);
  await logIn(cleo.page, url, looks.token);
  await cleo.page.goto(`${url}/#/projects/${id}`);
  await connected(cleo.page);
  await here(cleo.page).getByText("looks").waitFor();
  const heard = cleo.said.length;
  await ofBen.getByRole("button", { name: "Hand over to Ben" }).click();
  await ofBen.getByText("drives").waitFor();
  // Another page hears it at once, and not at its next look.
  await until(() => cleo.said.slice(heard).includes("role"));
  await here(cleo.page).getByRole("listitem").filter({ hasText: "Ben" }).getByText("drives").waitFor();
  await cleo.context.close();
  await hasSize(ben.page, (cols, rows) => cols !== own[0] && rows !== own[1]);
  const theirs = await size(ben.page);
  await hasSize(ann.page, (cols, rows) => cols === theirs[0] && rows === theirs[1]);
  await ann.page.getByRole("button", { name: "Use this window" }).waitFor();
  console.log("a session handed over has the other's size");

  await here(ann.page).getByRole("button", { name: "Take over" }).click();
  await hasSize(ben.page, (cols, rows) => cols === own[0] && rows === own[1]);
  await ben.page.getByRole("button", { name: "Use this window" }).waitFor();
  await ben.context.close();
  await ofBen.waitFor({ state: "detached" });
  console.log("taken over again; who left is gone");

  await ann.page.goto(`${url}/#/people`);
  await ann.page.getByRole("button", { name: "Make a login link" }).click();
  await ann.page.getByRole("img", { name: "The link as a QR code" }).waitFor();
  const link = await ann.page.getByLabel("Login link").inputValue();
  const phone = await newPage(browser, PHONE);
  await phone.page.goto(link);
  await phone.page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  await phone.context.close();
  const late = await newPage(browser, PHONE);
  const refused = await late.page.goto(link);
  assert.equal(refused.status(), 401);
  assert.deepEqual([...ann.errors, ...ben.errors, ...phone.errors], []);
  console.log("a phone logged in by the link of the QR code, once");
} finally {
  await browser.close();
}
process.exit(0);
