// A phone on a real server whose agent is a shell with the prompt `$ `: fingers scroll and select,
// a program with the mouse gets wheel reports, and links show their address first.
import assert from "node:assert/strict";
import { connected, createProject, gone, launch, logIn, newPage, PHONE, run, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser, PHONE);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const finger = await context.newCDPSession(page);
  /** A touch, at a time in milliseconds: a busy machine delivers it late. */
  const touch = (type, points, at = Date.now()) =>
    finger.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([x, y]) => ({ x, y })),
      timestamp: at / 1_000,
    });
  /** A finger from one height to another in 160 ms, with a rest at the end; delivered this late. */
  async function swipe(from, to, { rest = 200, late = 0 } = {}) {
    const began = Date.now();
    await touch("touchStart", [[180, from]], began);
    await page.waitForTimeout(late);
    for (let step = 1; step <= 10; step += 1) {
      await page.waitForTimeout(16);
      await touch("touchMove", [[180, from + ((to - from) * step) / 10]], began + 16 * step);
    }
    await page.waitForTimeout(rest);
    await touch("touchEnd", [], began + 160 + rest);
  }

  await logIn(page, url, token);
  await createProject(page, "Phone", workspace);
  await connected(page);
  await shows(page, "$ ");
  await run(page, "for i in $(seq 300); do echo row-$i-; done");
  await shows(page, "row-300-");
  await swipe(300, 600);
  await gone(page, "row-300-");
  await page.getByRole("button", { name: "Jump to the end" }).click();
  await shows(page, "row-300-");
  await page.getByRole("button", { name: "Jump to the end" }).waitFor({ state: "detached" });
  await swipe(300, 600);
  await gone(page, "row-300-");
  await swipe(600, 200, { late: 1_000 });
  await swipe(600, 200);
  await shows(page, "row-300-");
  console.log("a finger scrolls the history and back");

  await run(page, "clear; echo select-this-word");
  await shows(page, "select-this-word\n$");
  const place = await page.evaluate(() => {
    const rows = [...document.querySelectorAll(".xterm-rows > div")];
    const row = rows.findLast((one) => one.textContent?.startsWith("select-this-word"));
    const { left, top, height } = row.getBoundingClientRect();
    return [left + 20, top + height / 2];
  });
  await touch("touchStart", [place]);
  await page.getByRole("button", { name: "Copy", exact: true }).waitFor();
  await touch("touchEnd", []);
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByText("Copied to the clipboard").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "select-this-word");
  console.log("a long press selects a word, and a button copies it");

  await run(page, "clear; printf '\\033[?1000h\\033[?1006h'; echo tracks; cat -v");
  await shows(page, "tracks");
  await swipe(300, 400);
  await shows(page, "^[[<64;");
  await run(page, "");
  await page.keyboard.press("Control+c");
  // A terminal drops what is typed next to an interrupt.
  await shows(page, "^C\n$");
  await run(page, "printf '\\033[?1000l'; clear; echo https://example.com/path?q=1");
  await shows(page, "https://example.com/path?q=1\n$");
  console.log("a program with the mouse gets wheel reports");

  const [x, y] = await page.evaluate(() => {
    const rows = [...document.querySelectorAll(".xterm-rows > div")];
    const row = rows.findLast((one) => one.textContent?.startsWith("https://example.com"));
    const { left, top, height } = row.getBoundingClientRect();
    return [left + 30, top + height / 2];
  });
  let opened = 0;
  context.on("page", () => {
    opened += 1;
  });
  await page.mouse.move(x, y);
  await page.getByText("https://example.com/path?q=1").last().waitFor();
  await page.mouse.click(x, y);
  await page.getByText("Open https://example.com/path?q=1?").waitFor();
  assert.equal(opened, 0, "a click opens nothing");
  await page.getByRole("button", { name: "Cancel" }).click();
  console.log("a link shows its address before it opens");

  await page.setViewportSize({ width: 844, height: 390 });
  await page.waitForTimeout(500);
  const rows = Number((await page.locator("[data-size]").getAttribute("data-size")).split("×")[1]);
  assert.ok(rows >= 8, `${rows} rows on its side`);
  console.log(`on its side the phone shows ${rows} rows`);
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
