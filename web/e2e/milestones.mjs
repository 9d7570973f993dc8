// Milestones and conversations as the page shows them.

/** Every conversation id that the session panel shows in its copy button's title. */
export const conversation = async (page) =>
  (await page.getByTitle(/^Copy the id: /).getAttribute("title"))?.slice("Copy the id: ".length);

/** Makes a milestone by the form. */
export async function createMilestone(page, name) {
  await page.getByRole("button", { name: "New milestone" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Context").fill("# Context\n\nSay hello.");
  await page.getByRole("button", { name: "Create milestone" }).click();
  await page.getByRole("heading", { name, level: 3 }).waitFor();
}

/** What the page shows of a milestone. */
export const item = (page, name) =>
  page.getByRole("article").filter({ has: page.getByRole("heading", { name, level: 3 }) });
