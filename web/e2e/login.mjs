// The login of a real server: a link to a project survives it, its page speaks the browser's
// language, a logout reaches other tabs, and the page comes compressed and with its manifest.
import assert from "node:assert/strict";
import { call } from "./api.mjs";
import { launch, newPage } from "./browser.mjs";

const { WXCODE_URL: url, WXCODE_TOKEN: token } = process.env;
const enter = async (page, text) => {
  await page.fill('input[name="token"]', text);
  await page.click('[type="submit"]');
};

const browser = await launch();
try {
  const { context, page, errors } = await newPage(browser);
  const coded = new Map();
  page.on("response", (response) => {
    coded.set(new URL(response.url()).pathname, response.headers()["content-encoding"]);
  });
  await page.goto(url);
  await enter(page, token);
  await page.waitForSelector("main#content");
  const { id } = await call(page, "POST", "/output-projects", { name: "Deep" });
  const script = [...coded.keys()].find((path) => path.endsWith(".js"));
  // Only a secure connection takes Brotli.
  assert.ok(["br", "gzip"].includes(coded.get(script)), `${script}: ${coded.get(script)}`);
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector('link[rel="manifest"]');
    return (await fetch(link.href)).json();
  });
  assert.equal(manifest.display, "standalone");
  console.log("the script is compressed, and there is a manifest");

  const deep = `${url}/#/projects/${id}`;
  const other = await context.newPage();
  await other.goto(deep);
  await other.getByRole("heading", { name: "Deep", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForSelector('input[name="token"]');
  await other.waitForSelector('input[name="token"]');
  console.log("a logout reaches the other tab");
  await enter(other, token);
  await other.getByRole("heading", { name: "Deep", level: 1 }).waitFor();
  assert.equal(other.url(), deep);
  console.log("the tab returns to its project after the login");
  await context.close();

  const fresh = await newPage(browser, { locale: "pt-BR" });
  await fresh.page.goto(deep);
  await fresh.page.getByRole("button", { name: "Entrar" }).waitFor();
  assert.equal(await fresh.page.getAttribute("html", "lang"), "pt-BR");
  await enter(fresh.page, "not-a-token-of-this-server");
  await fresh.page.getByRole("alert").getByText("Este não é um token deste servidor.").waitFor();
  await enter(fresh.page, token);
  await fresh.page.getByRole("heading", { name: "Deep", level: 1 }).waitFor();
  await fresh.page.getByRole("button", { name: "Sair" }).waitFor();
  console.log("a deep link and the language survive a refused and an accepted login");
  assert.deepEqual([...errors, ...fresh.errors], []);
  await fresh.context.close();
} finally {
  await browser.close();
}
process.exit(0);
