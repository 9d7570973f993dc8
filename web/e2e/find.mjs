// The search in the terminal's output and places in files, on a real server whose agent is a shell
// with the prompt `$ `.
import assert from "node:assert/strict";
import { connected, createProject, gone, keyboard, launch, logIn, newPage, run, shows } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(page, url, token);
  await createProject(page, "Find", workspace);
  await connected(page);
  await shows(page, "$ ");
  await run(page, "clear; for i in $(seq 300); do echo row-$i-; done; echo over-$((1+1))");
  await shows(page, "over-2");
  await gone(page, "row-17-");
  await keyboard(page).focus();
  await page.keyboard.press("Control+Shift+F");
  const find = page.getByRole("search", { name: "Find in the output" });
  const words = find.getByRole("searchbox");
  await words.fill("row-17-");
  await find.getByText("1 of 1").waitFor();
  await shows(page, "row-17-");
  await words.fill("row-29");
  await find.getByText(/^\d+ of 11$/).waitFor();
  const before = await find.getByText(/^\d+ of 11$/).textContent();
  await words.press("Enter");
  await page.waitForFunction(
    (old) => ![...document.querySelectorAll(".result")].some((one) => one.textContent === old),
    before,
  );
  await words.fill("row-none");
  await find.getByText("No match").waitFor();
  await words.press("Escape");
  await find.waitFor({ state: "detached" });
  assert.ok(await keyboard(page).evaluate((one) => one === document.activeElement));
  console.log("finds in the output, counts, and leads back into the terminal");

  await run(page, "clear; echo see src/main.rs:12:5 there");
  await shows(page, "see src/main.rs:12:5 there\n$");
  const [x, y] = await page.evaluate(() => {
    const rows = [...document.querySelectorAll(".xterm-rows > div")];
    const row = rows.findLast((one) => one.textContent?.startsWith("see src/main"));
    const { left, top, height } = row.getBoundingClientRect();
    return [left + 60, top + height / 2];
  });
  await page.mouse.move(x, y);
  await page.getByText("a click copies it or puts it into the prompt").waitFor();
  await page.mouse.click(x, y);
  const bar = page.getByRole("group", { name: "src/main.rs:12:5" });
  await bar.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied to the clipboard").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "src/main.rs:12:5");
  await page.mouse.move(x, y + 200);
  await page.mouse.move(x, y);
  await page.mouse.click(x, y);
  await bar.getByRole("button", { name: "Put into the prompt" }).click();
  await shows(page, "$ src/main.rs:12:5");
  console.log("a place in a file is copied, or put into the prompt");
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
process.exit(0);
