// `npm run e2e`: the story on the server at WXCODE_URL with WXCODE_TOKEN (and the folder
// WXCODE_WORKSPACE, if given). `npm run e2e:mock`: the same story, and all faults, on the mock
// server. CHROMIUM names the browser [default: /usr/bin/chromium].
import { startMock } from "../dev/mock.mjs";
import { asks } from "./asks.mjs";
import { behaviours } from "./behaviour.mjs";
import { launch } from "./browser.mjs";
import { histories } from "./history.mjs";
import { news } from "./news.mjs";
import { runs } from "./runs.mjs";
import { story } from "./story.mjs";

const onMock = process.argv.includes("--mock");
const { WXCODE_URL: url, WXCODE_TOKEN: token, WXCODE_WORKSPACE: workspace } = process.env;
if (!onMock && !(url && token)) {
  console.error(
    "Set WXCODE_URL and WXCODE_TOKEN to a running server and its token, or run `npm run e2e:mock`.",
  );
  process.exit(2);
}

const tests = new Map();
let mock;
if (onMock) {
  mock = await startMock();
  tests.set("the story", (browser) => story(browser, { url: mock.url, token: mock.token }));
  for (const [name, test] of Object.entries({ ...behaviours, ...histories, ...asks, ...runs, ...news }))
    tests.set(name, (browser) => test(browser, mock));
} else {
  tests.set("the story", (browser) => story(browser, { url, token, workspace }));
}

const only = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
const browser = await launch();
let failed = 0;
try {
  for (const [name, test] of tests) {
    if (only && !name.includes(only)) continue;
    try {
      await test(browser);
      console.log(`ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}\n${error.stack}`);
      for (const context of browser.contexts()) await context.close();
    }
  }
} finally {
  mock?.stop();
  await browser.close();
}
process.exit(failed > 0 ? 1 : 0);
