// A real server with `--base-path /wx`: the page, its terminal, its links and its login stay below.
import assert from "node:assert/strict";
import { connected, createProject, launch, newPage } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
const below = `${url}/wx/`;

const browser = await launch();
try {
  const { context, page, errors, said } = await newPage(browser);
  await page.goto(below);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.waitForSelector("main#content");
  assert.equal(page.url(), below);
  await createProject(page, "Below", workspace);
  await connected(page);
  assert.match(said.find((word) => word.startsWith("connect ")) ?? "", /\/wx\/api\/v1\//);
  console.log("the terminal is connected below the path");
  const project = page.url();
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  const link = await page.getByLabel("Link for viewers").inputValue();
  assert.ok(link.startsWith(`${below}share/`), link);
  const guest = await newPage(browser);
  await guest.page.goto(link);
  await guest.page.getByRole("heading", { name: "Below", level: 1 }).waitFor();
  assert.ok(guest.page.url().startsWith(`${below}#/projects/`), guest.page.url());
  console.log("a share link leads to the project below the path");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForSelector('input[name="token"]');
  assert.equal(page.url(), `${below}login`);
  await page.goto(project);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.getByRole("heading", { name: "Below", level: 1 }).waitFor();
  console.log("the login leads back below the path");
  assert.deepEqual([...errors, ...guest.errors], []);
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
