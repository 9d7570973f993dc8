/** Login and logout, which happen on the server's own page; the cookie is not readable here. */
import { ROOT } from "./base";

/** Tabs of this browser learn of a logout by this channel. */
const LOGOUTS = "wxcode.logout";

/** The login page that leads back to the present view. */
export function loginAddress(place: Pick<Location, "hash">, root: string = ROOT): string {
  const view = place.hash.replace(/^#/, "");
  return view === "" || view === "/"
    ? `${root}login`
    : `${root}login?next=${encodeURIComponent(`${root}#${view}`)}`;
}

/** The page is on its way to the login: several requests may be refused at a time. */
let leaving = false;

export function toLogin(): void {
  if (leaving) return;
  leaving = true;
  location.replace(loginAddress(location));
}

/** Ends the login of this browser. After any response, the login page shows the result. */
export async function logOut(): Promise<void> {
  leaving = true;
  await fetch(`${ROOT}logout`, { method: "POST", redirect: "manual" }).catch(() => {});
  const others = new BroadcastChannel(LOGOUTS);
  others.postMessage("out");
  others.close();
  location.replace(`${ROOT}login`);
}

/** Follows a logout in another tab. */
export function followLogouts(): void {
  new BroadcastChannel(LOGOUTS).addEventListener("message", toLogin);
}
