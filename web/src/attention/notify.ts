/** Notifications of the browser: an agent waits, and nobody looks at it. */
import type { Waiting, WaitingMap } from "./waiting";

export type Permission = "default" | "granted" | "denied" | "unsupported";

const WANTED_KEY = "wxcode.notify";

export const permission = (): Permission =>
  typeof Notification === "undefined" ? "unsupported" : Notification.permission;

/** The user wants notifications in this browser. */
export const wanted = (): boolean => permission() === "granted" && localStorage.getItem(WANTED_KEY) !== "no";

/** Asks the browser, which asks the user; or turns notifications off again. */
export async function want(on: boolean): Promise<boolean> {
  if (!on || permission() === "unsupported") {
    localStorage.setItem(WANTED_KEY, "no");
    return false;
  }
  localStorage.removeItem(WANTED_KEY);
  return (await Notification.requestPermission()) === "granted";
}

/** The projects that began to wait, or ask something else now. */
export function fresh(before: WaitingMap, now: WaitingMap): Waiting[] {
  return [...now.values()].filter(({ id, state, kind }) => {
    const old = before.get(id);
    return old?.state !== state || (kind !== null && old.kind !== null && old.kind !== kind);
  });
}

/** Shows one notification a project; a newer one takes its place. */
export function notify(waiting: Waiting, words: { title: string; body: string }, open: () => void): void {
  if (!wanted()) return;
  try {
    const shown = new Notification(words.title, {
      body: words.body,
      tag: `wxcode.${waiting.id}`,
      icon: "icon-192.png",
    });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Phones show them only from a service worker.
  }
}
