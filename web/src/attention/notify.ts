/** Notifications of the browser: an agent waits, and nobody looks at it. */
import { subscribe, unsubscribe, worker } from "./push";
import type { Waiting, WaitingMap } from "./waiting";

export type Permission = "default" | "granted" | "denied" | "unsupported";

const WANTED_KEY = "wxcode.notify";

export const permission = (): Permission =>
  typeof Notification === "undefined" ? "unsupported" : Notification.permission;

/** The user wants notifications in this browser. */
export const wanted = (): boolean => permission() === "granted" && localStorage.getItem(WANTED_KEY) === "yes";

/** The worker that shows notices on phones and while no tab is open. */
let registration: ServiceWorkerRegistration | null = null;

/** Where the notices come from: the server at any time, or this browser's tabs while one is open. */
export type Reach = "always" | "open";
let reach: Reach = "open";
export const reached = (): Reach => reach;

/**
 * Asks the browser, which asks the user; or turns notifications off again. Only a click of the user
 * may call this. `pushed`: the user's role is told by the server.
 */
export async function want(on: boolean, language: string, pushed: boolean): Promise<boolean> {
  if (!on || permission() === "unsupported") {
    localStorage.setItem(WANTED_KEY, "no");
    if (registration) await unsubscribe(registration).catch(() => {});
    reach = "open";
    return false;
  }
  if ((await Notification.requestPermission()) !== "granted") return false;
  localStorage.setItem(WANTED_KEY, "yes");
  await renew(language, pushed);
  return true;
}

/** Renews the subscription of a browser that wants notifications: the login may be another one. */
export async function renew(language: string, pushed: boolean): Promise<void> {
  if (!wanted()) return;
  registration = await worker(language);
  reach = registration && pushed && (await subscribe(registration)) ? "always" : "open";
}

/** The projects that began to wait, or ask something else now. */
export function fresh(before: WaitingMap, now: WaitingMap): Waiting[] {
  return [...now.values()].filter(({ id, state, kind }) => {
    const old = before.get(id);
    return old?.state !== state || (kind !== null && old.kind !== null && old.kind !== kind);
  });
}

/**
 * Shows one notification a project; a newer one takes its place, also the server's, which has the
 * same tag.
 */
export function notify(
  waiting: Waiting,
  words: { title: string; body: string },
  hash: string,
  open: () => void,
): void {
  if (!wanted()) return;
  const options = { body: words.body, tag: `wxcode.${waiting.id}`, icon: "icon-192.png", data: { hash } };
  if (registration) {
    void registration.showNotification(words.title, options).catch(() => {});
    return;
  }
  try {
    const shown = new Notification(words.title, options);
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Phones show them only from a service worker.
  }
}
