// Requests of the tests to the server's API, from a logged-in page.

/** Sends a request, and returns the body of the response. */
export const call = (page, method, path, body) =>
  page.evaluate(
    async ([verb, at, fields]) => {
      const response = await fetch(`/api/v1${at}`, {
        method: verb,
        ...(fields && { body: JSON.stringify(fields), headers: { "content-type": "application/json" } }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${verb} ${at}: ${response.status} ${text}`);
      return text === "" ? null : JSON.parse(text);
    },
    [method, path, body],
  );

/** A project whose agent is ready. */
export async function readyProject(page, name) {
  const { id } = await call(page, "POST", "/output-projects", { name });
  await call(page, "POST", `/output-projects/${id}/session`, {});
  await becomes(page, id, (session) => session.agent_state === "idle");
  return id;
}

export const send = (page, id, text, more = {}) =>
  call(page, "POST", `/output-projects/${id}/deliveries`, { text, ...more });

/** Waits until the session of a project is as wanted. */
export async function becomes(page, id, holds, ms = 60_000) {
  const end = Date.now() + ms;
  for (;;) {
    const session = await call(page, "GET", `/output-projects/${id}/session`);
    if (holds(session)) return session;
    if (Date.now() > end) throw new Error(`the session stays ${JSON.stringify(session)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
