// Every page and dialog on a real server with the fake agent at 320, 360 and 412 px, in both
// languages: nothing leaves the screen at its right edge.
import assert from "node:assert/strict";
import { becomes, call, readyProject, send } from "./api.mjs";
import { launch, newPage, PHONE } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;
const LONG = "Averyverylongnamewithoutanyspaceinitthatnoscreenofaphonecanshowinoneline";

async function enter(page) {
  await page.goto(url);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.waitForSelector("main#content");
}

/** What is wider than the screen, and not inside something that scrolls or clips on purpose. */
const beyond = (page) =>
  page.evaluate(() => {
    const view = document.documentElement.clientWidth;
    const hidden = (one) => {
      for (let at = one.parentElement; at; at = at.parentElement) {
        const { overflowX } = getComputedStyle(at);
        // A page that scrolls sideways is at fault itself.
        if (overflowX !== "visible" && at.id !== "content" && at !== document.documentElement) return true;
      }
      return false;
    };
    const found = [...document.querySelectorAll("body *")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width > 1 && box.right > view + 0.5 && one.checkVisibility() && !hidden(one);
    });
    const main = document.getElementById("content");
    const wide = [document.documentElement, ...(main ? [main] : [])].filter(
      (one) => one.scrollWidth > one.clientWidth,
    );
    /** Words that a button cuts off. */
    const cut = [...document.querySelectorAll("nav.tabs button")].filter(
      (one) => one.checkVisibility() && one.scrollWidth > one.clientWidth,
    );
    return [...found, ...wide, ...cut].map(
      (one) => `${one.tagName}.${one.className} ${(one.textContent ?? "").trim().slice(0, 40)}`,
    );
  });

const browser = await launch();
const faults = [];
try {
  const { page: setup } = await newPage(browser);
  await enter(setup);
  const asking = await readyProject(setup, LONG);
  const idle = await readyProject(setup, "Idle");
  await send(setup, idle, `# ${LONG}\n\n\`${LONG}\``);
  const fields = { output_project_id: idle, element_name: LONG, context: LONG };
  const milestone = await call(setup, "POST", "/milestones", fields);
  await call(setup, "POST", "/tokens", { name: LONG, role: "viewer" });
  await send(setup, asking, "fake:permission");
  await becomes(setup, asking, (session) => session.asks !== null);
  await send(setup, asking, LONG);

  for (const width of [320, 360, 412])
    for (const locale of ["en-US", "pt-BR"]) {
      const { context, page, errors } = await newPage(browser, {
        ...PHONE,
        locale,
        viewport: { width, height: 740 },
      });
      const check = async (name) => {
        for (const fault of await beyond(page)) faults.push(`${width} ${locale} ${name}: ${fault}`);
      };
      await page.goto(`${url}/login`);
      await check("login");
      await enter(page);
      for (const hash of [
        "#/",
        `#/projects/${asking}`,
        `#/projects/${idle}?read_only`,
        `#/projects/${idle}/conversation`,
        `#/projects/${idle}/milestones/${milestone.id}/changes`,
        `#/search?q=${LONG}`,
        "#/people",
        "#/nothing",
        `#/projects/${idle}`,
      ]) {
        await page.goto(`${url}/${hash}`);
        await page.waitForLoadState("networkidle").catch(() => {});
        await check(hash);
      }
      const tabs = page.locator("nav.tabs button");
      await tabs.first().waitFor();
      // A question stands above the other parts of the project, and covers none of them.
      await page.goto(`${url}/#/projects/${asking}`);
      await page.locator("#ask-title").waitFor();
      for (const [at, part] of [
        [1, ".conversation.card"],
        [2, ".side"],
        [3, ".side"],
      ]) {
        await tabs.nth(at).click();
        const edge = (selector, side) =>
          page.locator(selector).evaluate((one, name) => one.getBoundingClientRect()[name], side);
        const [below, height] = [await edge(".ask section", "bottom"), await edge(part, "height")];
        const top = await edge(part, "top");
        if (below > top + 0.5 || height < 80)
          faults.push(`${width} ${locale} tab ${at}: the question covers ${part}`);
      }
      // The palette names a project also next to a long state.
      await page.getByRole("button", { name: /^(Go to|Ir para)/ }).click();
      const name = page.getByRole("option").filter({ hasText: LONG }).locator(".title");
      if ((await name.first().evaluate((one) => one.getBoundingClientRect().width)) < 60)
        faults.push(`${width} ${locale}: the palette shows no name`);
      await page.keyboard.press("Escape");
      await page.goto(`${url}/#/projects/${idle}`);
      await page.getByRole("heading", { name: "Idle", level: 1 }).waitFor();
      await tabs.first().waitFor();
      for (let at = 0; at < (await tabs.count()); at += 1) {
        await tabs.nth(at).click();
        await check(`tab ${at}`);
      }
      for (const name of [/^(Settings|Configurações)$/, /^(Share|Compartilhar)$/, /^(Go to|Ir para)/]) {
        await page.getByRole("button", { name }).click();
        await page.getByRole("dialog").waitFor();
        await check(`dialog ${name}`);
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
      assert.deepEqual(errors, []);
      await context.close();
      console.log(`${width} px, ${locale}: ${faults.length} faults so far`);
    }
  assert.deepEqual(faults, []);
} finally {
  await browser.close();
}
process.exit(0);
