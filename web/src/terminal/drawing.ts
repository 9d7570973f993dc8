/** How the terminal is drawn: by the graphics processor (WebGL), or as elements of the page. */
import type { Terminal } from "@xterm/xterm";

export const DRAWINGS = ["auto", "webgl", "elements"] as const;
export type Drawing = (typeof DRAWINGS)[number];

const DRAWING_KEY = "wxcode.drawing";

export function keptDrawing(): Drawing {
  const kept = localStorage.getItem(DRAWING_KEY);
  return DRAWINGS.find((drawing) => drawing === kept) ?? "auto";
}

export const keepDrawing = (drawing: Drawing): void => localStorage.setItem(DRAWING_KEY, drawing);

/** Names of drivers that compute pictures on the processor: slower than elements of the page. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether the browser has WebGL; `auto` wants a graphics processor behind it. */
function hasWebgl(drawing: Drawing): boolean {
  if (drawing === "elements") return false;
  const options = { failIfMajorPerformanceCaveat: drawing === "auto" };
  const context = document
    .createElement("canvas")
    .getContext("webgl2", options) as WebGL2RenderingContext | null;
  if (!context) return false;
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const driver = String(context.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  // A browser has few contexts.
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return drawing === "webgl" || !SOFTWARE.test(driver);
}

/**
 * Draws `terminal` by WebGL if the browser can, from now until the context is lost: then xterm.js
 * draws it by elements again. `isOver` says whether the terminal is gone meanwhile.
 */
export async function accelerate(terminal: Terminal, isOver: () => boolean): Promise<void> {
  if (isOver() || !hasWebgl(keptDrawing())) return;
  const { WebglAddon } = await import("@xterm/addon-webgl");
  if (isOver()) return;
  const addon = new WebglAddon();
  addon.onContextLoss(() => addon.dispose());
  try {
    terminal.loadAddon(addon);
  } catch {
    addon.dispose();
  }
}
