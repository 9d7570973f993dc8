/** Logging in and out happens on the server's own page; its cookie is not readable here. */

export function toLogin(): void {
  location.replace("/login");
}

/** Ends the login of this browser. Whatever the answer, the login page then says what holds. */
export async function logOut(): Promise<void> {
  await fetch("/logout", { method: "POST", redirect: "manual" }).catch(() => {});
  toLogin();
}
