/** The page's xterm.js: made, fitted to its box, silent about queries. */
import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { chooseKey, type Key, keyData } from "./keys";
import { FocusReports, silenceQueries } from "./queries";
import { FONT_MAX, FONT_MIN, keepFontSize, openLink, terminalOptions } from "./theme";

/** Quiet time after a change of the box before the terminal follows it, in milliseconds. */
export const RESIZE_QUIET_MS = 100;

export interface Size {
  cols: number;
  rows: number;
}

export interface ScreenHandlers {
  /** What the user typed, pasted, or did with the mouse. */
  input(data: string): void;
  /** The terminal has a new size of its own making. */
  resized(size: Size): void;
}

export class Screen {
  readonly #terminal = new Terminal(terminalOptions());
  readonly #fit = new FitAddon();
  readonly #focus: FocusReports;
  readonly #observer: ResizeObserver;
  readonly #handlers: ScreenHandlers;
  /** The size that somebody else gave the session; `null` while this window decides. */
  #followed: Size | null = null;
  #fontSize: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(box: HTMLElement, label: string, handlers: ScreenHandlers) {
    const terminal = this.#terminal;
    this.#handlers = handlers;
    this.#fontSize = terminal.options.fontSize ?? FONT_MIN;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(new WebLinksAddon((_event, uri) => openLink(uri)));
    silenceQueries(terminal);
    this.#focus = new FocusReports(terminal);
    terminal.open(box);
    terminal.textarea?.setAttribute("aria-label", label);
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    // Only onData: mouse reports that need raw bytes (X10 beyond column 95) cannot cross a text protocol.
    terminal.onData((data) => {
      if (!this.#focus.isOwn(data)) handlers.input(data);
    });
    this.#observer = new ResizeObserver(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#layout(), RESIZE_QUIET_MS);
    });
    this.#observer.observe(box);
    this.#layout();
  }

  get size(): Size {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  get followed(): Size | null {
    return this.#followed;
  }

  write(data: string, drawn: () => void): void {
    this.#terminal.write(data, drawn);
  }

  /** While nothing can be sent, nothing can be typed. */
  set enabled(enabled: boolean) {
    this.#terminal.options.disableStdin = !enabled;
    this.#terminal.options.cursorBlink = enabled;
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** Tells a program that wants to know that the user is here, once it can hear it. */
  reportFocus(): void {
    const here = document.hasFocus() && document.activeElement === this.#terminal.textarea;
    if (here && this.#terminal.modes.sendFocusMode) this.#handlers.input("\x1b[I");
  }

  press(key: Key): void {
    this.#terminal.input(keyData(key, this.#terminal.modes.applicationCursorKeysMode));
  }

  /** Pastes as the program wishes: bracketed when it asked for that. */
  paste(text: string): void {
    this.#terminal.paste(text);
  }

  zoom(by: number): void {
    this.#fontSize = Math.min(Math.max(this.#fontSize + by, FONT_MIN), FONT_MAX);
    keepFontSize(this.#fontSize);
    this.#layout();
  }

  /** Shows the session at the size that another window gave it. */
  follow(size: Size): void {
    this.#followed = size;
    this.#layout();
  }

  /** This window decides the size again. */
  drive(): void {
    this.#followed = null;
    this.#layout();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.#focus.dispose();
    this.#terminal.dispose();
  }

  #layout(): void {
    const terminal = this.#terminal;
    terminal.options.fontSize = this.#fontSize;
    const fits = this.#fit.proposeDimensions();
    // A box that is not shown has no size.
    if (!fits || !Number.isFinite(fits.cols) || !Number.isFinite(fits.rows)) return;
    if (this.#followed) {
      const { cols, rows } = this.#followed;
      const scale = Math.min(1, fits.cols / cols, fits.rows / rows);
      terminal.options.fontSize = Math.max(FONT_MIN, Math.floor(this.#fontSize * scale));
      terminal.resize(cols, rows);
      return;
    }
    if (fits.cols === terminal.cols && fits.rows === terminal.rows) return;
    terminal.resize(fits.cols, fits.rows);
    this.#handlers.resized(this.size);
  }

  #key(event: KeyboardEvent): boolean {
    const choice = chooseKey(event, this.#terminal.hasSelection());
    if (choice.do === "type") return true;
    if (choice.do === "send") {
      event.preventDefault();
      if (event.type === "keydown") this.#terminal.input(choice.data);
    }
    return false;
  }
}
