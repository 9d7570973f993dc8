/** The side panel of a project: its width, and whether it is folded; kept in this browser. */

export interface Side {
  /** In CSS pixels. */
  width: number;
  folded: boolean;
}

export const SIDE_MIN = 260;
export const SIDE_MAX = 640;
const SIDE_KEY = "wxcode.side";

export const bounded = (width: number): number => Math.round(Math.min(Math.max(width, SIDE_MIN), SIDE_MAX));

/** Without a choice it leaves 80 columns to the terminal of a narrow desktop. */
export const defaultWidth = (window: number): number =>
  Math.round(Math.min(Math.max(window * 0.27, 300), 352));

export function readSide(text: string | null, window: number): Side {
  try {
    const { width, folded } = JSON.parse(text ?? "{}") as Partial<Side>;
    return {
      width: typeof width === "number" ? bounded(width) : defaultWidth(window),
      folded: folded === true,
    };
  } catch {
    return { width: defaultWidth(window), folded: false };
  }
}

export const keptSide = (): Side => readSide(localStorage.getItem(SIDE_KEY), window.innerWidth);

export const keepSide = (side: Side): void => localStorage.setItem(SIDE_KEY, JSON.stringify(side));
