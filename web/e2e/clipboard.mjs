// Copies of the agent (OSC 52), on a real server whose agent is a shell with the prompt `$ `.
import assert from "node:assert/strict";
import {
  connected,
  createProject,
  keyboard,
  launch,
  logIn,
  newPage,
  quiet,
  run,
  shows,
  until,
  WAIT_MS,
} from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

/** Lets the agent copy, then print `done`, put together so that the command's echo is not it. */
const copy = async (page, selections, text, done) => {
  await run(
    page,
    `clear; printf '\\033]52;${selections};%s\\007' $(printf %s ${text} | base64); echo ${done}-$((1+1))`,
  );
  await shows(page, `${done}-2`);
};
const kept = (page) => page.evaluate(() => navigator.clipboard.readText());
async function holds(page, text) {
  const end = Date.now() + WAIT_MS;
  while ((await kept(page)) !== text) {
    if (Date.now() > end) throw new Error(`the clipboard holds ${await kept(page)} and not ${text}`);
    await page.waitForTimeout(20);
  }
}

const browser = await launch();
try {
  const permissions = ["clipboard-read", "clipboard-write"];
  const { context, page, errors, said } = await newPage(browser, { permissions });
  await logIn(page, url, token);
  await createProject(page, "Copies", workspace);
  await connected(page);
  await shows(page, "$ ");
  const bar = page.getByText(/The agent wants to put|The agent copied/);
  await page.evaluate(() => navigator.clipboard.writeText("mine"));

  // Another window of the same project, in a browser without a consent.
  const other = await newPage(browser);
  await logIn(other.page, url, token);
  await other.page.goto(page.url());
  await connected(other.page);
  await shows(other.page, "$ ");
  // Typing makes the first one the driver again.
  await run(page, "echo driving-$((1+1))");
  await shows(page, "driving-2");

  await copy(page, "c", "one", "asked");
  await page.getByText("The agent wants to put 3 characters into your clipboard.").waitFor();
  assert.equal(await kept(page), "mine", "nothing without a consent");
  await page.getByRole("button", { name: "Allow in this project" }).click();
  await holds(page, "one");
  await bar.waitFor({ state: "detached" });
  console.log("the first copy asked for a consent");

  await copy(page, "c", "two", "allowed");
  await holds(page, "two");
  await copy(page, "", "three", "empty");
  await holds(page, "three");
  assert.equal(await bar.count(), 0, "asked once");
  console.log("later ones do not, also without a selection");

  await run(page, "clear; printf '\\033]52;c;?\\007'; read -t 2 -n 1 reply; echo got-[$reply]-$((1+1))");
  await shows(page, "got-[]-2");
  assert.equal(await kept(page), "three");
  console.log("a request to read gets nothing");

  await shows(other.page, "got-[]-2");
  await other.page.waitForTimeout(500);
  const theirs = other.page.getByText(/The agent wants to put|The agent copied/);
  assert.equal(await theirs.count(), 0, "a second window copies nothing");
  await other.context.close();

  await copy(page, "c", "four", "before");
  await holds(page, "four");
  await page.evaluate(() => navigator.clipboard.writeText("mine"));
  await page.reload();
  await connected(page);
  await shows(page, "before-2");
  await quiet(page);
  assert.equal(await kept(page), "mine", "a screen copies nothing");
  console.log("a reload copies nothing again");

  // In pieces that the page asks for, because a page that falls behind gets a screen instead.
  await run(
    page,
    "clear; echo begun-$((1+1)); printf '\\033]52;c;'; while read -rsn1 key && [ $key = m ]; do head -c 96000 /dev/zero | base64 -w 0; done; printf '\\007'; echo large-$((1+1))",
  );
  await shows(page, "begun-2");
  const received = () => Number(said.findLast((line) => line.startsWith("output ")).split(" ")[2]);
  for (let piece = 0; piece < 12; piece += 1) {
    const before = received();
    await page.keyboard.press("m");
    await until(() => received() >= before + 128_000);
  }
  await page.keyboard.press("e");
  await shows(page, "large-2");
  await page.getByText("The agent copied more than 1 MiB").waitFor();
  assert.equal(await kept(page), "mine");
  await run(page, "clear; echo selectme-$((1+1))");
  await shows(page, "selectme-2");
  const row = page.locator(".xterm-rows > div").filter({ hasText: "selectme-2" }).first();
  await row.dblclick({ position: { x: 12, y: 6 }, force: true });
  await page.keyboard.press("Control+Shift+C");
  await holds(page, "selectme-2");
  console.log("Ctrl+Shift+C copies the selection");
  const typing = () => page.evaluate(() => document.activeElement?.className === "xterm-helper-textarea");
  await keyboard(page).focus();
  for (const inside of [false, true, false, true]) {
    await page.keyboard.press("F6");
    assert.equal(await typing(), inside);
  }
  console.log("F6 leaves the terminal and comes back");

  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
