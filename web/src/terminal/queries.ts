/**
 * Keeps a terminal from replying to queries.
 *
 * The session's holder replies, in stream order. A page's reply would be typed into the agent's
 * prompt: once for each open page, and again at each replay. Keys, mouse and focus changes belong
 * to the user and stay.
 */
import type { IDisposable, IParser } from "@xterm/xterm";

/** The used part of xterm.js; the browser's terminal and the headless terminal both have this part. */
export interface Answering {
  readonly parser: IParser;
}

/** Sequences that ask for a report in every form. */
const CSI_QUERIES = [
  { final: "c" }, // DA1
  { prefix: ">", final: "c" }, // DA2
  { prefix: "=", final: "c" }, // DA3
  { final: "n" }, // DSR, CPR
  { prefix: "?", final: "n" }, // private DSR, DECXCPR
  { intermediates: "$", final: "p" }, // DECRQM, ANSI modes
  { prefix: "?", intermediates: "$", final: "p" }, // DECRQM, private modes
  { prefix: ">", final: "q" }, // XTVERSION
  { prefix: "?", final: "u" }, // kitty keyboard flags
  { final: "x" }, // DECREQTPARM
  { final: "t" }, // window reports; window manipulation is off in a page anyway
] as const;

const DCS_QUERIES = [
  { intermediates: "$", final: "q" }, // DECRQSS
  { intermediates: "+", final: "q" }, // XTGETTCAP
] as const;

/** Colours: palette, foreground, background, cursor. Setting stays, querying does not. */
const OSC_COLOURS = [4, 10, 11, 12] as const;

/** Silences `terminal`; disposing the result restores its replies. */
export function silenceQueries(terminal: Answering): IDisposable {
  const { parser } = terminal;
  const handled = (): boolean => true;
  const registered: IDisposable[] = [
    ...CSI_QUERIES.map((id) => parser.registerCsiHandler(id, handled)),
    ...DCS_QUERIES.map((id) => parser.registerDcsHandler(id, handled)),
    ...OSC_COLOURS.map((id) => parser.registerOscHandler(id, asksForColour)),
  ];
  return { dispose: () => registered.forEach((handler) => void handler.dispose()) };
}

/** A sequence with settings and queries is dropped whole; half a sequence cannot be passed on. */
const asksForColour = (data: string): boolean => data.split(";").includes("?");

/**
 * Separates xterm.js's own focus report, made when a program turns focus reports on, from reports
 * of the user's focus changes. Only the latter are input.
 */
export class FocusReports {
  #turnedOn = false;
  readonly #handler: IDisposable;

  constructor(terminal: Answering) {
    this.#handler = terminal.parser.registerCsiHandler({ prefix: "?", final: "h" }, (params) => {
      if (params.includes(1004)) {
        // xterm.js reports within this turn of the event loop; the user's reports come in later
        // turns.
        this.#turnedOn = true;
        queueMicrotask(() => {
          this.#turnedOn = false;
        });
      }
      return false;
    });
  }

  /** True for xterm.js's own reports. */
  isOwn(data: string): boolean {
    return this.#turnedOn && (data === "\x1b[I" || data === "\x1b[O");
  }

  dispose(): void {
    this.#handler.dispose();
  }
}
