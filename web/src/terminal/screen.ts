/**
 * The page's xterm.js: created, drawn by the session, scaled into its box, silent about queries.
 */
import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { type Copied, onCopy, writeClipboard } from "./clipboard";
import { boundCounts } from "./counts.js";
import { accelerate } from "./drawing";
import { Finder, type Found } from "./find";
import type { Size } from "./frame";
import { Hold } from "./hold";
import { chooseKey, type Key, keyData } from "./keys";
import { Painter } from "./painter";
import { interceptPastes, typeable } from "./paste";
import { linkPlaces } from "./place";
import { FocusReports, silenceQueries } from "./queries";
import { SCALE_MIN, SCALE_STEP, scaledFont } from "./scale";
import { FONT_MAX, FONT_MIN, keepFontSize, openLink, terminalColours, terminalOptions } from "./theme";
import { handleTouches } from "./touch";
import { countWidths } from "./widths.js";

/** Quiet time after a change of the box before measuring, in milliseconds. */
export const RESIZE_QUIET_MS = 100;

export interface ScreenHandlers {
  /** Input of the user: typed, pasted, or by mouse. */
  input(bytes: Uint8Array): void;
  /** Too much input waits for the screen: this one is not sent. */
  refused(): void;
  /** The size for the box at the user's text size. */
  room(size: Size): void;
  /** The agent wrote to the clipboard, in live output for this window. */
  copy(copied: Copied): void;
  /** The address of the link under the pointer. */
  hover(address: string | null): void;
  /** The user pressed a link without Ctrl or Cmd. */
  link(address: string): void;
  /** The user pressed a place in a file, such as `src/main.rs:12`. */
  place(text: string): void;
  /** The user wants to search. */
  find(): void;
  /** What a search found. */
  found(found: Found): void;
  /** Whether text is selected. */
  selected(selected: boolean): void;
  /** Whether the user looks at something above the end. */
  above(above: boolean): void;
  /** The user is at the end without a selection (again). */
  calm(): void;
}

const utf8 = new TextEncoder();

export class Screen {
  readonly #terminal = new Terminal(terminalOptions());
  readonly #painter = new Painter(this.#terminal);
  readonly #fit = new FitAddon();
  readonly #finder: Finder;
  readonly #hold = new Hold();
  readonly #focus: FocusReports;
  readonly #letPastesBe: () => void;
  readonly #letTouchesBe: () => void;
  readonly #observer: ResizeObserver;
  readonly #handlers: ScreenHandlers;
  readonly #box: HTMLElement;
  #fontSize: number;
  #room: Size | null = null;
  /** The session's last announced size; earlier output may still be undrawn. */
  #size: Size;
  /** The session has another window's size, so this window scales. */
  #viewing = false;
  /** The output being parsed may copy, and so may the output written last. */
  #copies = false;
  #copiesNext = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;
  /** The browser was asked for WebGL. */
  #asked = false;

  constructor(box: HTMLElement, label: string, handlers: ScreenHandlers) {
    const terminal = this.#terminal;
    this.#box = box;
    this.#handlers = handlers;
    this.#fontSize = terminal.options.fontSize ?? FONT_MIN;
    this.#size = { cols: terminal.cols, rows: terminal.rows };
    terminal.loadAddon(this.#fit);
    const hover = (_event: MouseEvent, uri: string) => handlers.hover(uri);
    const leave = () => handlers.hover(null);
    const activate = (event: MouseEvent, uri: string) => {
      if (event.ctrlKey || event.metaKey) openLink(uri);
      else handlers.link(uri);
    };
    terminal.loadAddon(new WebLinksAddon(activate, { hover, leave }));
    terminal.options.linkHandler = { activate, hover, leave };
    terminal.registerLinkProvider(linkPlaces(terminal, { hover: handlers.hover, press: handlers.place }));
    this.#finder = new Finder(terminal, (found) => handlers.found(found));
    silenceQueries(terminal);
    boundCounts(terminal);
    countWidths(terminal);
    this.#focus = new FocusReports(terminal);
    onCopy(terminal, (copied) => {
      if (this.#copies) handlers.copy(copied);
    });
    this.#letPastesBe = interceptPastes(box, (text) => this.paste(text));
    terminal.open(box);
    this.#letTouchesBe = handleTouches(terminal, box);
    terminal.textarea?.setAttribute("aria-label", label);
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((data) => {
      if (!this.#focus.isOwn(data)) this.#send(utf8.encode(data));
    });
    // Mouse reports as bytes: a byte for each character.
    terminal.onBinary((data) => this.#send(Uint8Array.from(data, (unit) => unit.charCodeAt(0))));
    const settled = () => {
      if (this.calm) handlers.calm();
    };
    terminal.onScroll(() => {
      settled();
      const { viewportY, baseY } = terminal.buffer.active;
      handlers.above(viewportY < baseY);
    });
    terminal.onSelectionChange(() => {
      settled();
      handlers.selected(terminal.hasSelection());
    });
    const sized = ({ cols, rows }: Size) => {
      box.dataset.size = `${cols}×${rows}`;
      this.#scale();
    };
    sized(this.#size);
    terminal.onResize(sized);
    this.#observer = new ResizeObserver(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#measure(), RESIZE_QUIET_MS);
    });
    this.#observer.observe(box);
    this.#measure();
  }

  get size(): Size {
    return this.#size;
  }

  /** Nothing is selected and the end is in view: a redraw disturbs no reader. */
  get calm(): boolean {
    const { viewportY, baseY } = this.#terminal.buffer.active;
    return viewportY === baseY && !this.#terminal.hasSelection();
  }

  snapshot(size: Size, bytes: Uint8Array, drawn: () => void): void {
    this.#size = size;
    this.#letCopy(false);
    this.#hold.begin();
    this.#painter.snapshot(size, bytes, () => {
      this.#hold.end();
      drawn();
      this.#accelerate();
    });
  }

  /** `copies` says whether the output may copy to the clipboard. */
  output(bytes: Uint8Array, drawn: () => void, copies: boolean): void {
    this.#letCopy(copies);
    this.#painter.output(bytes, drawn);
  }

  resized(size: Size): void {
    this.#size = size;
    this.#painter.resized(size, () => {});
  }

  /** Whether the session has another window's size. */
  set viewing(viewing: boolean) {
    if (viewing === this.#viewing) return;
    this.#viewing = viewing;
    this.#scale();
  }

  /** Typing works only while somebody takes the keys. */
  set enabled(enabled: boolean) {
    this.#terminal.options.disableStdin = !enabled;
    this.#terminal.options.cursorBlink = enabled;
  }

  /** Without a connection only the cursor fades: the text stays readable. */
  set away(away: boolean) {
    const colours = terminalColours();
    const cursor = away ? colours.selectionBackground : colours.cursor;
    this.#terminal.options.theme = { ...colours, cursor };
  }

  /** Whether the keyboard types into the terminal. */
  get focused(): boolean {
    return document.activeElement === this.#terminal.textarea;
  }

  /** Copies the selected text, and ends the selection. */
  copySelection(): Promise<boolean> {
    const text = this.#terminal.getSelection();
    this.#terminal.clearSelection();
    return writeClipboard(text, true);
  }

  find(words: string, way: "next" | "previous" | "typing"): void {
    void this.#finder.find(words, way);
  }

  endFind(): void {
    void this.#finder.end();
    this.#terminal.clearSelection();
  }

  toEnd(): void {
    this.#terminal.scrollToBottom();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** Sends the focus report to a program with this mode, once the program can receive the report. */
  reportFocus(): void {
    const here = document.hasFocus() && document.activeElement === this.#terminal.textarea;
    if (here && this.#terminal.modes.sendFocusMode) this.#handlers.input(utf8.encode("\x1b[I"));
  }

  press(key: Key): void {
    const terminal = this.#terminal;
    this.#hold.whenKnown(() => terminal.input(keyData(key, terminal.modes.applicationCursorKeysMode)));
  }

  /**
   * Pastes as the program wishes: bracketed when it asked for that, each line end as Enter would be typed. xterm.js
   * sees no control character, because it leaves the end of a bracket in the text.
   */
  paste(text: string): void {
    const kept = this.#hold.whenKnown(() => this.#terminal.paste(typeable(text)));
    if (!kept) this.#handlers.refused();
  }

  zoom(by: number): void {
    this.#fontSize = Math.min(Math.max(this.#fontSize + by, FONT_MIN), FONT_MAX);
    keepFontSize(this.#fontSize);
    this.#measure();
  }

  dispose(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.#focus.dispose();
    this.#letPastesBe();
    this.#letTouchesBe();
    this.#terminal.dispose();
  }

  /** After the first screen: the question for WebGL takes the browser a while. */
  #accelerate(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => setTimeout(() => void accelerate(this.#terminal, () => this.#over)));
  }

  #send(bytes: Uint8Array): void {
    if (!this.#hold.inOrder(() => this.#handlers.input(bytes))) this.#handlers.refused();
  }

  /** From here on in the stream, writes to the clipboard count, or not. */
  #letCopy(copies: boolean): void {
    if (copies === this.#copiesNext) return;
    this.#copiesNext = copies;
    this.#terminal.write("", () => {
      this.#copies = copies;
    });
  }

  /** Measures the size of the box at the user's text size. */
  #measure(): void {
    this.#terminal.options.fontSize = this.#fontSize;
    const fits = this.#fits();
    // A hidden box has no size.
    if (!fits) return;
    const before = this.#room;
    this.#room = fits;
    this.#scale();
    if (fits.cols !== before?.cols || fits.rows !== before.rows) this.#handlers.room(fits);
  }

  /** Scales the text down to the session's size. */
  #scale(): void {
    const { options } = this.#terminal;
    if (!this.#viewing || !this.#room) {
      options.fontSize = this.#fontSize;
      return;
    }
    const { cols, rows } = this.#terminal;
    let font = scaledFont(this.#fontSize, this.#room, { cols, rows });
    options.fontSize = font;
    // Cells are slightly larger than their text.
    while (font > SCALE_MIN && (this.#fits()?.cols ?? cols) < cols) {
      font -= SCALE_STEP;
      options.fontSize = font;
    }
    // When the rows do not fit, the prompt is at their end.
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #fits(): Size | null {
    const fits = this.#fit.proposeDimensions();
    return fits && Number.isFinite(fits.cols) && Number.isFinite(fits.rows) ? fits : null;
  }

  #key(event: KeyboardEvent): boolean {
    const choice = chooseKey(event, this.#terminal.hasSelection());
    if (choice.do === "type") return true;
    if (choice.do === "find") {
      event.preventDefault();
      if (event.type === "keydown") this.#handlers.find();
    }
    if (choice.do === "copy") {
      event.preventDefault();
      const text = this.#terminal.getSelection();
      if (event.type === "keydown" && text) void writeClipboard(text, true);
    }
    if (choice.do === "send") {
      event.preventDefault();
      if (event.type === "keydown") this.#terminal.input(choice.data);
    }
    return false;
  }
}
