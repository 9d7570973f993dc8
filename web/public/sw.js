// The page's service worker: shows the notices that the server pushes, and opens what they are
// about. It keeps no files, so an update of the page needs nothing of it.
const WORDS = {
  en: {
    waiting_permission: "The agent needs your permission.",
    waiting_question: "The agent has a question for you.",
    other: "The agent needs you.",
  },
  "pt-BR": {
    waiting_permission: "O agente precisa da sua permissão.",
    waiting_question: "O agente tem uma pergunta para você.",
    other: "O agente precisa de você.",
  },
};
/** Longest name in a notice, in characters. */
const NAME_MAX = 200;
/** Longest wait for a tab's answer, in milliseconds. */
const ANSWER_MS = 1_000;
const language = new URL(self.location.href).searchParams.get("lang") ?? "en";
const words = WORDS[language] ?? WORDS.en;
const ID = /^[0-9a-f]{24}$/;

/** A new worker takes over at once: it has no state. */
self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(tell(event.data)));

async function tell(data) {
  let message = {};
  try {
    message = data.json() ?? {};
  } catch {
    // Another key, or another server's message: the browser wants a notice all the same.
  }
  const project = ID.test(message.project_id) ? message.project_id : null;
  const hash = project ? `#/projects/${project}` : "#/";
  if (project && (await isLookedAt(project))) return;
  await self.registration.showNotification(String(message.title ?? "wxcode").slice(0, NAME_MAX), {
    body: words[message.state] ?? words.other,
    tag: `wxcode.${project}`,
    icon: "icon-192.png",
    lang: language,
    data: { hash },
  });
}

const tabs = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

/** Whether somebody looks at the project, or at all of them: a visible tab knows. */
async function isLookedAt(project) {
  const visible = (await tabs()).filter(({ visibilityState }) => visibilityState === "visible");
  const answers = visible.map(
    (tab) =>
      new Promise((done) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => done(data === true);
        setTimeout(() => done(false), ANSWER_MS);
        tab.postMessage({ kind: "seen", project }, [port2]);
      }),
  );
  return (await Promise.all(answers)).includes(true);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.hash ?? "#/"));
});

async function open(hash) {
  const [tab] = await tabs();
  if (!tab) return self.clients.openWindow(self.registration.scope + hash);
  tab.postMessage({ kind: "open", hash });
  return tab.focus();
}
