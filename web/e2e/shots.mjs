// Screenshots of the page on the mock server: `node e2e/shots.mjs FOLDER`, after a build.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startMock } from "../dev/mock.mjs";
import { agentIs, connected, createProject, launch, logIn, newPage, shows } from "./browser.mjs";

const folder = process.argv[2] ?? "dist-shots";
await mkdir(folder, { recursive: true });
const CONTEXT =
  "# Login page\n\nConvert `PAGE_Login` with its three procedures.\nDone when the old and the new page behave the same.";

async function milestone(page, name) {
  await page.getByRole("button", { name: "New milestone" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Context").fill(CONTEXT);
  await page.getByRole("button", { name: "Create milestone" }).click();
  await page.getByRole("heading", { name, level: 3 }).waitFor();
}

/** Types a command that makes the agent ask, or changes its state. */
async function ask(page, command, state) {
  await page.locator(".xterm-helper-textarea").focus();
  await page.keyboard.type(command);
  await page.keyboard.press("Enter");
  if (state) await agentIs(page, state);
  else await page.locator("#ask-title").waitFor();
}

const browser = await launch();
const mock = await startMock();
try {
  for (const [look, options] of Object.entries({
    desktop: { viewport: { width: 1280, height: 800 } },
    phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  })) {
    for (const colorScheme of ["light", "dark"]) {
      mock.projects.clear();
      const { page, errors } = await newPage(browser, { ...options, colorScheme });
      const shot = (name) => page.screenshot({ path: join(folder, `${look}-${colorScheme}-${name}.png`) });
      const pane = async (name) => {
        if (look === "phone")
          await page
            .getByRole("navigation", { name: "Parts of the project" })
            .getByRole("button", { name })
            .click();
      };
      await logIn(page, mock.url, mock.token);
      await shot("empty");
      for (const name of ["Warehouse", "Billing portal"]) {
        await createProject(page, name);
        await connected(page);
        await page.getByRole("link", { name: "wxcode" }).click();
      }
      await page.getByRole("button", { name: "New project" }).click();
      await page.getByLabel("Name").fill("Web shop");
      await shot("create");
      await page.getByRole("button", { name: "Cancel" }).click();
      await shot("projects");
      await createProject(page, "Web shop", "/srv/projects/web-shop");
      await connected(page);
      await pane("Milestones");
      await milestone(page, "PAGE_Login");
      await page.getByRole("button", { name: "Start" }).click();
      await page.getByText("in progress").waitFor();
      await milestone(page, "PAGE_Cart");
      await pane("Terminal");
      await shows(page, "Ready when you are");
      await pane("Session");
      await shot("session");
      await pane("Milestones");
      await shot("milestones");
      await pane("Terminal");
      await shot("terminal");
      for (const command of ["ask", "edit", "question", "questions", "panel"]) {
        await ask(page, `/${command}`);
        await shot(`ask-${command}`);
        await page.locator(".xterm-helper-textarea").press("Escape");
        await page.locator("#ask-title").waitFor({ state: "detached" });
      }
      await ask(page, "/ask");
      await page.getByRole("button", { name: "Hide", exact: true }).click();
      await shot("ask-hidden");
      await page.locator(".xterm-helper-textarea").press("Escape");
      await ask(page, "/clear", "idle");
      await pane("Session");
      await page.getByText("Conversations (2)").click();
      await shot("conversations");
      await page.getByRole("button", { name: /^Continue conversation/ }).click();
      await shot("continue");
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("button", { name: "End session" }).click();
      await shot("confirm");
      await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
      await pane("Terminal");
      await page.getByRole("button", { name: "Start again" }).waitFor();
      await shot("ended");
      await pane("Session");
      await page.getByLabel("Prompt for a run").fill("Why do the tests of the login page fail?");
      await page.getByRole("button", { name: "Start the run" }).click();
      await page.getByText("A run is under way").waitFor({ state: "attached" });
      await shot("run");
      await pane("Terminal");
      await shot("run-terminal");
      await page.getByText(/^The run is over/).waitFor();
      await shot("run-over");
      await pane("Session");
      await page.getByText("Nothing was changed.").scrollIntoViewIfNeeded();
      await shot("run-result");
      await page.getByRole("link", { name: "wxcode" }).click();
      await createProject(page, "untrusted");
      await page.locator("#ask-title").waitFor();
      await shot("ask-trust");
      if (errors.length > 0) throw new Error(errors.join("\n"));
      await page.context().close();
    }
  }
} finally {
  mock.stop();
  await browser.close();
}
