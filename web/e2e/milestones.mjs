// Milestones and conversations as the page shows them.

/** Every conversation id in the title of the session panel's copy button. */
export const conversation = async (page) =>
  (await page.getByTitle(/^Copy the id: /).getAttribute("title"))?.slice("Copy the id: ".length);

/** Creates a milestone by the form. */
export async function createMilestone(page, name) {
  await page.getByRole("button", { name: "New milestone" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Context").fill("# Context\n\nSay hello.");
  await page.getByRole("button", { name: "Create milestone" }).click();
  await page.getByRole("heading", { name, level: 3 }).waitFor();
}

/** The page's text of a milestone. */
export const item = (page, name) =>
  page.getByRole("article").filter({ has: page.getByRole("heading", { name, level: 3 }) });
