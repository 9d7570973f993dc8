// Chromium by Playwright.
import { launch } from "../browser.mjs";
import { CONTROL, ENTER } from "./keys.mjs";

const NAMES = { [CONTROL]: "Control", [ENTER]: "Enter" };

export async function chromium() {
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  return {
    name: "Chromium",
    goto: (url) => page.goto(url),
    evaluate: (script, ...given) =>
      page.evaluate(
        async ([text, args]) => (await new Function(`return (${text})`)()(...args)) ?? null,
        [String(script), given],
      ),
    async keys(text, held = []) {
      for (const key of held) await page.keyboard.down(NAMES[key]);
      for (const key of text) await page.keyboard.press(NAMES[key] ?? key);
      for (const key of held) await page.keyboard.up(NAMES[key]);
    },
    click: (x, y) => page.mouse.click(x, y),
    resize: (width, height) => page.setViewportSize({ width, height }),
    close: () => browser.close(),
  };
}
