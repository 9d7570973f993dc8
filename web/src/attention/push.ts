/** Web Push: the server tells this browser of a wait also while no tab is open. */

import { ROOT } from "../api/base";
import { request } from "../api/client";

interface PushView {
  public_key: string;
  subscriptions: { id: string; endpoint: string }[];
}

/** The bytes of a key in base64url. */
export function keyBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

/** Whether a subscription was made for this key of the server. */
export function isFor(key: ArrayBuffer | null | undefined, wanted: Uint8Array): boolean {
  if (!key) return false;
  const bytes = new Uint8Array(key);
  return bytes.length === wanted.length && bytes.every((byte, at) => byte === wanted[at]);
}

/** The worker, which shows notices; `null` where the browser has none, as without TLS. */
export async function worker(language: string): Promise<ServiceWorkerRegistration | null> {
  // Only a secure page has workers.
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container) return null;
  try {
    await container.register(`${ROOT}sw.js?${new URLSearchParams({ lang: language })}`, { scope: ROOT });
    return await container.ready;
  } catch {
    return null;
  }
}

/** Subscribes this browser; `false` where its push service cannot be had. */
export async function subscribe(registration: ServiceWorkerRegistration): Promise<boolean> {
  if (!("pushManager" in registration)) return false;
  try {
    const { public_key } = await request<PushView>("GET", "/push");
    const key = keyBytes(public_key);
    let subscription = await registration.pushManager.getSubscription();
    // The server has another key now.
    if (subscription && !isFor(subscription.options.applicationServerKey, key)) {
      await subscription.unsubscribe();
      subscription = null;
    }
    const wanted = { userVisibleOnly: true, applicationServerKey: key };
    subscription ??= await registration.pushManager.subscribe(wanted);
    await request("POST", "/push", subscription.toJSON());
    return true;
  } catch {
    return false;
  }
}

/** Ends the subscription of this browser, here and at the server. */
export async function unsubscribe(registration: ServiceWorkerRegistration): Promise<void> {
  const subscription = await registration.pushManager?.getSubscription().catch(() => null);
  if (!subscription) return;
  const { subscriptions } = await request<PushView>("GET", "/push");
  for (const { id, endpoint } of subscriptions)
    if (endpoint === subscription.endpoint) await request("DELETE", `/push/${id}`);
  await subscription.unsubscribe();
}

/**
 * Opens the page of a pressed notice, and answers the service worker whether this browser shows a
 * project.
 */
export function followNotices(sees: (project: string) => boolean): void {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  container?.addEventListener("message", ({ data, ports }) => {
    const { kind, hash, project } = (data ?? {}) as { kind?: string; hash?: string; project?: string };
    if (kind === "open" && hash?.startsWith("#/")) location.hash = hash;
    if (kind === "seen") ports[0]?.postMessage(sees(project ?? ""));
  });
  container?.startMessages();
}
