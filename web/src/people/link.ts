/** Links that the server hands out. */
import { ROOT } from "../api/base";

/** The whole address of a path on the server, as this browser reaches it. */
export function absolute(url: string, base: string = document.baseURI, root: string = ROOT): string {
  const path = root !== "/" && url.startsWith("/") && !url.startsWith(root) ? root + url.slice(1) : url;
  return new URL(path, base).href;
}
