/** Touches of the terminal: xterm.js 6.0.0 neither scrolls nor selects by finger. */
import type { Terminal } from "@xterm/xterm";
import { Lines, Pan } from "./pan";

interface Cell {
  column: number;
  /** In the whole buffer. */
  row: number;
}

/** Lets fingers scroll and select; the returned function ends that. */
export function handleTouches(terminal: Terminal, box: HTMLElement): () => void {
  const lines = new Lines();
  const screen = (): HTMLElement => box.querySelector<HTMLElement>(".xterm-screen") ?? box;
  let finger = { x: 0, y: 0 };

  const scroll = (x: number, y: number): void => {
    // A session larger than its box scrolls in the box first.
    const before = box.scrollTop;
    box.scrollLeft += x;
    box.scrollTop += y;
    const rest = y - (box.scrollTop - before);
    const rect = screen().getBoundingClientRect();
    const count = lines.of(rest, rect.height / terminal.rows);
    if (count === 0) return;
    const normal = terminal.buffer.active.type === "normal";
    if (normal && terminal.modes.mouseTrackingMode === "none") {
      terminal.scrollLines(count);
      return;
    }
    // The program scrolls: it gets a wheel's report, or arrow keys, a line each.
    for (let n = 0; n < Math.abs(count); n += 1)
      screen().dispatchEvent(
        new WheelEvent("wheel", {
          deltaY: Math.sign(count),
          deltaMode: WheelEvent.DOM_DELTA_LINE,
          clientX: finger.x,
          clientY: finger.y,
          bubbles: true,
          cancelable: true,
        }),
      );
  };

  const cellAt = (x: number, y: number): Cell => {
    const rect = screen().getBoundingClientRect();
    const within = (at: number, most: number) => Math.min(Math.max(Math.floor(at), 0), most - 1);
    return {
      column: within(((x - rect.left) / rect.width) * terminal.cols, terminal.cols),
      row:
        terminal.buffer.active.viewportY +
        within(((y - rect.top) / rect.height) * terminal.rows, terminal.rows),
    };
  };

  const select = (x: number, y: number, from: { x: number; y: number }): void => {
    const [a, b] = [cellAt(from.x, from.y), cellAt(x, y)];
    const place = ({ column, row }: Cell) => row * terminal.cols + column;
    if (place(a) === place(b)) {
      const { start, length } = wordAt(terminal, a);
      terminal.select(start, a.row, length);
      return;
    }
    const [first, last] = place(a) < place(b) ? [a, b] : [b, a];
    terminal.select(first.column, first.row, place(last) - place(first) + 1);
  };

  const unselect = () => terminal.clearSelection();
  const pan = new Pan(
    { scroll, select, unselect },
    () => !matchMedia("(prefers-reduced-motion: reduce)").matches,
  );
  const point = ({ touches, timeStamp }: TouchEvent) => {
    const touch = touches[0];
    if (touch) finger = { x: touch.clientX, y: touch.clientY };
    return { ...finger, at: timeStamp };
  };
  const began = (event: TouchEvent): void => {
    if (event.touches.length === 1) pan.begin(point(event));
    else pan.stop();
  };
  const moved = (event: TouchEvent): void => {
    if (event.touches.length === 1 && pan.move(point(event))) event.preventDefault();
  };
  const ended = (event: TouchEvent): void => {
    // More than a tap: no click follows.
    if (pan.end(event.timeStamp)) event.preventDefault();
  };
  box.addEventListener("touchstart", began, { passive: true });
  box.addEventListener("touchmove", moved, { passive: false });
  box.addEventListener("touchend", ended);
  const cancelled = () => pan.stop();
  box.addEventListener("touchcancel", cancelled);
  return () => {
    pan.stop();
    box.removeEventListener("touchstart", began);
    box.removeEventListener("touchmove", moved);
    box.removeEventListener("touchend", ended);
    box.removeEventListener("touchcancel", cancelled);
  };
}

/** The word around a cell: letters without a space. */
function wordAt(terminal: Terminal, { column, row }: Cell): { start: number; length: number } {
  const line = terminal.buffer.active.getLine(row);
  const solid = (at: number): boolean => {
    const chars = line?.getCell(at)?.getChars() ?? "";
    // The second half of a wide character has none.
    return chars === "" ? (line?.getCell(at)?.getWidth() ?? 1) === 0 : chars.trim() !== "";
  };
  let start = column;
  let end = column;
  while (start > 0 && solid(start - 1)) start -= 1;
  while (end < terminal.cols - 1 && solid(end + 1)) end += 1;
  return { start, length: end - start + 1 };
}
