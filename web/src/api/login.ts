/** Login and logout, on the server's own page; the cookie is not readable here. */

export function toLogin(): void {
  location.replace("/login");
}

/** Ends the login of this browser. After any response, the login page shows the result. */
export async function logOut(): Promise<void> {
  await fetch("/logout", { method: "POST", redirect: "manual" }).catch(() => {});
  toLogin();
}
