// Projects on the mock server, and its side of them.
import { createProject, logIn, newPage } from "./browser.mjs";

export { keyboard } from "./browser.mjs";

export const projectOf = (mock, name) => [...mock.projects.values()].find((project) => project.name === name);
export const sessionOf = (mock, name) => projectOf(mock, name).session;
export const agentOf = (mock, name) => sessionOf(mock, name).agent;

/** A logged-in page with its own project. */
export async function opened(browser, mock, name, options) {
  const opened = await newPage(browser, options);
  await logIn(opened.page, mock.url, mock.token);
  await createProject(opened.page, name);
  return opened;
}
