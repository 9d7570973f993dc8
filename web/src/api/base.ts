/** The server's root: the page lies there, also below the path of a proxy. */
export const ROOT: string = typeof document === "undefined" ? "/" : new URL(".", document.baseURI).pathname;
