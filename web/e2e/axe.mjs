// Every page and dialog on a real server with the fake agent, by the rules of WCAG 2.2 AA, in both
// themes and languages, and at 320 px; a phone on its side shows the choices of a question.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { call, readyProject, send } from "./api.mjs";
import { launch, newPage, PHONE } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function enter(page) {
  await page.goto(url);
  await page.fill('input[name="token"]', token);
  await page.click('[type="submit"]');
  await page.waitForSelector("main#content");
}

const faults = [];
async function check(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    (tags) =>
      window.axe.run(document, {
        runOnly: tags,
        // The screen of xterm.js: its text has the agent's colours, and its rows are no content of ours.
        exclude: [[".xterm"]],
      }),
    TAGS,
  );
  for (const { id, nodes } of violations)
    faults.push(
      `${name}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} (${failureSummary})`).join("\n  ")}`,
    );
}

const browser = await launch();
try {
  const setup = await newPage(browser);
  await enter(setup.page);
  const asking = await readyProject(setup.page, "Asking");
  const idle = await readyProject(setup.page, "Idle");
  await send(setup.page, idle, "# Heading\n\n- `code`\n- [link](https://example.com)");
  const ended = (await call(setup.page, "POST", "/output-projects", { name: "Never ran" })).id;
  const milestone = await call(setup.page, "POST", "/milestones", {
    output_project_id: idle,
    element_name: "Login page",
    context: "Words.",
  });
  await send(setup.page, asking, "fake:permission");
  await setup.page.getByRole("button", { name: "Yes", exact: true }).waitFor();
  await setup.context.close();

  for (const locale of ["en-US", "pt-BR"])
    for (const colorScheme of ["light", "dark"]) {
      const label = `${locale} ${colorScheme}`;
      const { context, page, errors } = await newPage(browser, {
        locale,
        colorScheme,
        reducedMotion: "reduce",
      });
      await page.goto(`${url}/login`);
      await check(page, `${label} login`);
      await enter(page);
      const pages = {
        overview: "#/",
        asking: `#/projects/${asking}`,
        idle: `#/projects/${idle}`,
        ended: `#/projects/${ended}`,
        conversation: `#/projects/${idle}/conversation`,
        changes: `#/projects/${idle}/milestones/${milestone.id}/changes`,
        search: "#/search?q=heading",
        people: "#/people",
        unknown: "#/nothing",
      };
      for (const [name, hash] of Object.entries(pages)) {
        await page.goto(`${url}/${hash}`);
        await page.waitForLoadState("networkidle").catch(() => {});
        await page.waitForTimeout(700);
        await check(page, `${label} ${name}`);
      }
      await page.goto(`${url}/#/people`);
      await page.getByRole("button", { name: /^(Make a login link|Criar link de login)$/ }).click();
      await page.locator("svg[role=img]").waitFor();
      await check(page, `${label} login link`);
      await page.goto(`${url}/#/projects/${idle}`);
      await page.getByRole("button", { name: /^(Find in the output|Buscar na saída)$/ }).click();
      await check(page, `${label} search in the output`);
      await page.locator("#content").focus();
      const dialogs = {
        palette: () => page.keyboard.press("Control+k"),
        shortcuts: () => page.keyboard.press("?"),
        settings: () => page.getByRole("button", { name: /^(Settings|Configurações)$/ }).click(),
        share: () => page.getByRole("button", { name: /^(Share|Compartilhar)$/ }).click(),
        appearance: () => page.getByRole("button", { name: /^(Appearance|Aparência)$/ }).click(),
      };
      for (const [name, open] of Object.entries(dialogs)) {
        await open();
        await page.getByRole("dialog").waitFor();
        await page.waitForTimeout(300);
        await check(page, `${label} ${name}`);
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
        await page.locator("#content").focus();
      }
      assert.deepEqual(errors, []);
      await context.close();
      console.log(`${label}: ${faults.length} faults so far`);
    }

  const { context, page } = await newPage(browser, { ...PHONE, viewport: { width: 320, height: 640 } });
  await enter(page);
  for (const hash of ["#/", `#/projects/${asking}`, "#/people", `#/projects/${idle}/conversation`]) {
    await page.goto(`${url}/${hash}`);
    await page.waitForTimeout(700);
    const [wide, view] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    assert.ok(wide <= view, `${hash} is ${wide} px wide in ${view}`);
  }
  await page.setViewportSize({ width: 740, height: 340 });
  await page.goto(`${url}/#/projects/${asking}`);
  for (const name of ["Yes", "No"]) {
    const box = await page.getByRole("button", { name, exact: true }).boundingBox();
    assert.ok(box && box.y >= 0 && box.y + box.height <= 340, `${name} is in view: ${JSON.stringify(box)}`);
  }
  console.log("320 px wide nothing overflows; on its side a phone shows the choices");
  await context.close();
  assert.deepEqual(faults, []);
} finally {
  await browser.close();
}
process.exit(0);
