// The terminal on a real server whose agent is a shell: resuming at the byte, input across a killed
// server, windows of different size, and a read-only one. The agent must have the prompt `$ ` and
// run in WXCODE_WORKSPACE. Asks on standard output for a kill and restart of the server, and waits
// for a line on standard input. With SHOTS, screenshots go into that folder.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  connected,
  createProject,
  gone,
  hasSize,
  keyboard,
  launch,
  logIn,
  newPage,
  overhang,
  PHONE,
  run,
  screenText,
  scroll,
  shows,
  size,
  until,
} from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace, SHOTS: shots } = process.env;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function restartServer() {
  console.log("restart the server");
  await lines.next();
}

const shot = (page, name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });
const lost = (page) => page.getByText("Connection lost. Trying again…").waitFor();

/** A file in the agent's folder, once it has this length. */
async function written(name, length) {
  let text = "";
  const read = async () => {
    text = await readFile(join(workspace, name), "utf8").catch(() => "");
    return text.length;
  };
  const end = Date.now() + 30_000;
  while ((await read()) < length && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
  return text;
}

/** Pastes as the browser does it. */
const paste = (page, text) =>
  page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    document
      .querySelector(".xterm-helper-textarea")
      .dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, text);

const browser = await launch();
try {
  const { context, page, errors, said } = await newPage(browser);
  await logIn(page, url, token);
  await createProject(page, "Terminal", workspace);
  const address = page.url();
  await connected(page);
  await shows(page, "$ ");

  await run(page, 'for i in $(seq 400); do echo "row-$i-é─🙂…"; done');
  await shows(page, "row-400-é─🙂…");
  said.length = 0;
  await page.reload();
  await connected(page);
  await shows(page, "row-400-é─🙂…");
  await until(() => said.includes("redraw") && said.lastIndexOf("snapshot") > said.indexOf("redraw"));
  await scroll(page, "PageUp", 15);
  await shows(page, "row-1-é─🙂…");
  await shot(page, "history");
  await scroll(page, "PageDown", 15);
  console.log("a reload brings the whole history");

  await run(page, "(sleep 1; for i in $(seq 300); do echo tick-$i; sleep 0.01; done) &");
  await shows(page, "$ ");
  await scroll(page, "PageUp", 3);
  await gone(page, "row-400-");
  const before = await screenText(page);
  said.length = 0;
  await restartServer();
  await connected(page);
  // The ticks end after the server came back, or are at least read after that.
  await until(() => said.some((word) => word.startsWith("output")));
  await page.waitForTimeout(3_000);
  assert.equal(await screenText(page), before, "the user still looks at the same lines");
  const connects = said.filter((word) => word.startsWith("connect"));
  assert.match(connects.at(-1), /[?&]session=[^&]+&since=\d+/);
  assert.ok(!said.includes("snapshot"), "nothing was drawn anew");
  const outputs = said.filter((word) => word.startsWith("output")).map((word) => word.split(" ").map(Number));
  for (let i = 1; i < outputs.length; i += 1)
    assert.equal(outputs[i][1], outputs[i - 1][2], "no gap, nothing twice");
  await scroll(page, "PageDown", 15);
  await shows(page, "tick-300");
  console.log("after a killed server the output resumed at the byte, and the scroll position stayed");

  const tokens = Array.from({ length: 150 }, (_, n) => `${String(n).padStart(3, "0")}.`);
  await run(page, "clear; echo now-$((1))-reading; cat > typed.txt");
  await shows(page, "now-1-reading");
  said.length = 0;
  await Promise.all([page.keyboard.type(tokens.join(""), { delay: 5 }), restartServer()]);
  await connected(page);
  await page.keyboard.type("end");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+d");
  const typed = (await written("typed.txt", 4)).trim();
  const sent = said.filter((word) => word === "input").length;
  assert.ok(typed.endsWith("end"), typed);
  const kept = typed.slice(0, -"end".length);
  const whole = tokens.join("");
  let head = 0;
  while (head < kept.length && kept[head] === whole[head]) head += 1;
  const rest = kept.slice(head);
  assert.ok(whole.endsWith(rest) && head + rest.length <= whole.length, `doubled or torn: ${typed}`);
  console.log(
    `typing across a killed server: ${kept.length} of ${whole.length} keys, in one or two pieces, none doubled (${sent} inputs sent)`,
  );

  const text = Array.from({ length: 98_304 }, (_, n) => `${String(n).padStart(8, "0")} ${"·".repeat(27)}`);
  // Only after the shell has disabled bracketed paste is a paste sent as plain text.
  await run(page, "clear; echo now-$((1))-pasting; cat > pasted.txt");
  await shows(page, "now-1-pasting");
  await paste(page, `${text.join("\n")}\n`);
  await Promise.all([restartServer(), lost(page).catch(() => {})]);
  await connected(page);
  const expected = `${text.join("\n")}\n`;
  const pasted = await written("pasted.txt", expected.length);
  await page.keyboard.press("Control+d");
  assert.equal(pasted.length, expected.length);
  assert.ok(pasted === expected, "the paste arrived whole, once");
  assert.equal(await page.getByRole("alert").count(), 0);
  console.log(
    "a paste of 6 MiB, more than the session holds at once, arrived whole across a killed server, once",
  );

  await run(page, "seq 3000000; echo all-of-$((1+2))-million");
  await shows(page, "all-of-3-million", 60_000);
  await run(page, "yes flooding");
  await shows(page, "flooding");
  await page.waitForTimeout(1_000);
  const pressed = Date.now();
  await page.keyboard.press("Control+c");
  await run(page, "clear; echo calm-$((1+1))");
  await shows(page, "calm-2");
  console.log(`three million lines, then Ctrl+C on an endless flood: calm after ${Date.now() - pressed} ms`);

  await run(page, "clear; stty size");
  const desktop = await size(page);
  await shows(page, `${desktop[1]} ${desktop[0]}`);
  const phone = await newPage(browser, PHONE);
  await logIn(phone.page, url, token);
  await phone.page.goto(address);
  await connected(phone.page);
  await shows(phone.page, `${desktop[1]} ${desktop[0]}`);
  await phone.page.getByText("Another window set the size").waitFor();
  assert.deepEqual(await size(phone.page), desktop);
  assert.ok((await overhang(phone.page)) <= 0, "all columns are to be seen");
  await shot(phone.page, "phone-viewer");
  await phone.page.getByRole("button", { name: "Use this window" }).tap();
  await hasSize(phone.page, (cols) => cols < 70);
  const small = await size(phone.page);
  await hasSize(page, (cols) => cols === small[0]);
  await page.getByText("Another window set the size").waitFor();
  await run(phone.page, "stty size");
  await shows(page, `${small[1]} ${small[0]}`);
  await shows(phone.page, `${small[1]} ${small[0]}`);
  await shot(phone.page, "phone-driver");
  await shot(page, "desktop-viewer");
  await run(page, "stty size");
  await page.getByText("Another window set the size").waitFor({ state: "detached" });
  await hasSize(phone.page, (cols) => cols === desktop[0]);
  console.log(
    `a phone of ${small.join("×")} looked on, took over, and gave ${desktop.join("×")} back to whom typed`,
  );
  await phone.context.close();

  const looking = await context.newPage();
  await looking.goto(`${address}?read_only`);
  await connected(looking);
  await looking.getByText("Read-only").waitFor();
  await keyboard(looking).focus();
  await looking.keyboard.type("nothing of this");
  await run(page, "echo seen-by-$((1+1))");
  await shows(looking, "seen-by-2");
  assert.ok(!(await screenText(looking)).includes("nothing of this"));
  assert.equal(await looking.getByRole("alert").count(), 0);
  await shot(looking, "read-only");
  await looking.close();
  console.log("a read-only window sees everything and types nothing");

  await run(page, "exit 3");
  await page.getByText("The session has ended with exit code 3.").waitFor();
  await shot(page, "ended");
  assert.deepEqual(errors, [], "no script error and no CSP violation");
  await context.close();
} finally {
  await browser.close();
}
process.exit(0);
