// The history of the terminal in the page, on the mock server.
import assert from "node:assert/strict";
import { connected, gone, quiet, screenText, scroll, shows, until } from "./browser.mjs";
import { keyboard, opened, sessionOf } from "./mocked.mjs";

export const histories = {
  async "resumes at the byte without redrawing"(browser, mock) {
    const { page, context, said } = await opened(browser, mock, "history");
    await connected(page);
    await keyboard(page).pressSequentially("/lines 300");
    await keyboard(page).press("Enter");
    await shows(page, "line 300 of 300");
    await scroll(page, "PageUp", 3);
    await gone(page, "line 300 of 300");
    await quiet(page);
    const before = await screenText(page);
    const { stream, agent } = sessionOf(mock, "history");
    const place = stream.end;
    said.length = 0;
    mock.drop();
    agent.print(["written meanwhile"]);
    await page.getByText("Connection lost. Trying again…").waitFor();
    await connected(page);
    await until(() => said.some((word) => word.startsWith("output")));
    assert.equal(await screenText(page), before, "the user still looks at the same lines");
    assert.ok(
      said.some((word) => word.startsWith("connect") && word.includes(`since=${place}`)),
      said.join("\n"),
    );
    assert.equal(said.filter((word) => word === "snapshot").length, 0, said.join("\n"));
    await scroll(page, "PageDown", 12);
    await shows(page, "written meanwhile");
    await context.close();
  },

  async "fetches history only at the end"(browser, mock) {
    const { page, context, said } = await opened(browser, mock, "past");
    await connected(page);
    await keyboard(page).pressSequentially("/lines 300");
    await keyboard(page).press("Enter");
    await shows(page, "line 300 of 300");
    await page.reload();
    await connected(page);
    await shows(page, "line 300 of 300");
    // The history arrives as a separate screen, after the first one.
    const sinceReload = () => said.slice(said.findLastIndex((word) => word.startsWith("connect")));
    await until(() => sinceReload().indexOf("redraw") >= 0);
    await until(() => sinceReload().lastIndexOf("snapshot") > sinceReload().indexOf("redraw"));
    assert.deepEqual(
      sinceReload().filter((word) => word === "redraw" || word === "snapshot"),
      ["snapshot", "redraw", "snapshot"],
    );
    await scroll(page, "PageUp", 12);
    await shows(page, "line 1 of 300");

    // A resize makes the history stale; the page fetches it again when the user is back at the end.
    said.length = 0;
    await page.setViewportSize({ width: 1100, height: 800 });
    await until(() => said.includes("resized"));
    await page.waitForTimeout(1_000);
    assert.equal(said.filter((word) => word === "redraw").length, 0, said.join("\n"));
    await scroll(page, "PageDown", 12);
    await until(() => said.includes("redraw"));
    await shows(page, "line 300 of 300");
    await context.close();
  },
};
