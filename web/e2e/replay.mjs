// A recording with its scrubber, the terminal drawn by WebGL and by elements after a lost context,
// and the list of projects at the side; on a real server whose agent is a shell with the prompt `$ `.
import assert from "node:assert/strict";
import { call } from "./api.mjs";
import { connected, createProject, gone, launch, logIn, newPage, run, shows, until } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;

const browser = await launch();
try {
  const { page, errors } = await newPage(browser);
  await logIn(page, url, token);
  await createProject(page, "Replay", workspace);
  await connected(page);
  await shows(page, "$ ");
  await run(page, "clear; echo early-$((1+1))");
  await shows(page, "early-2");
  await page.waitForTimeout(1_500);
  await run(page, "clear; echo late-$((1+1))");
  await shows(page, "late-2");
  const project = page.url();

  await page.getByRole("link", { name: "Play the recording" }).click();
  const scrubber = page.getByRole("slider", { name: "Moment" });
  await scrubber.waitFor();
  const all = Number(await scrubber.getAttribute("max"));
  assert.ok(all >= 1_500, `a recording of ${all} ms`);
  await scrubber.fill(await scrubber.getAttribute("max"));
  await shows(page, "late-2");
  // Back: from the end, second by second, until the earlier screen shows.
  await until(async () => {
    await scrubber.press("ArrowLeft");
    const rows = await page.locator(".xterm-rows").textContent();
    return rows.includes("early-2") && !rows.includes("late-2");
  });
  console.log("the scrubber shows an earlier moment");
  await page.getByLabel("Speed").selectOption("16×");
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await shows(page, "late-2");
  await page.getByRole("button", { name: "Play", exact: true }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "Replay.cast");
  console.log("the recording plays to its end, and is downloaded");

  // Two projects: the list at the side leads from one to the other.
  await call(page, "POST", "/output-projects", { name: "Second one" });
  await page.goto(project);
  await connected(page);
  const rail = page.getByRole("navigation", { name: "Projects by attention" });
  await rail.getByRole("link", { name: "Second one: not started" }).click();
  await page.getByRole("heading", { name: "Second one", level: 1 }).waitFor();
  assert.equal(await rail.locator('[aria-current="page"]').textContent(), "SOSecond one: not started");
  await rail.getByRole("link", { name: /^Replay: / }).click();
  await connected(page);
  console.log("the narrow list shows states and leads to projects");

  // The theme of the page and the colours of the terminal, whatever the system prefers.
  const ground = (selector) =>
    page.evaluate((at) => getComputedStyle(document.querySelector(at)).backgroundColor, selector);
  const [bright, dark] = ["rgb(251, 250, 248)", "rgb(19, 21, 24)"];
  await page.getByRole("button", { name: "Appearance" }).click();
  await page.getByLabel("Theme").selectOption("Dark");
  await page.getByLabel("Terminal colours").selectOption("Light");
  await page.getByRole("dialog").getByRole("button", { name: "Dismiss" }).click();
  assert.deepEqual([await ground("body"), await ground("section.pane")], [dark, bright]);
  await page.reload();
  await connected(page);
  assert.deepEqual([await ground("body"), await ground("section.pane")], [dark, bright]);
  console.log("the chosen theme and terminal colours stay");

  // A server with another page, as after an upgrade: a connection that comes back shows it.
  await page.route(
    (address) => address.pathname === "/",
    async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace(/assets\/index-[^"]*\.js/, "assets/index-newer.js");
      await route.fulfill({ response, body });
    },
  );
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.getByText("this page is older than it").waitFor();
  await page.getByRole("button", { name: "Reload" }).waitFor();
  console.log("an outdated page says so");

  // A browser with WebGL, in software here; the terminal is drawn by elements after a lost context.
  const other = await newPage(browser);
  await other.page.addInitScript(() => localStorage.setItem("wxcode.drawing", "webgl"));
  await logIn(other.page, url, token);
  await other.page.goto(project);
  await connected(other.page);
  await other.page.locator(".xterm-screen canvas").first().waitFor();
  await gone(other.page, "late-2");
  await run(other.page, "clear; echo drawn-$((1+1))");
  await other.page.evaluate(() => {
    for (const one of document.querySelectorAll(".xterm-screen canvas"))
      one.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  });
  await shows(other.page, "drawn-2");
  await run(other.page, "echo typed-$((1+1))");
  await shows(other.page, "typed-2");
  console.log("a lost context leaves the terminal drawn by elements");
  assert.deepEqual([...errors, ...other.errors], []);
} finally {
  await browser.close();
}
process.exit(0);
