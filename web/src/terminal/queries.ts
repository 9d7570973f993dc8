/**
 * Keeps a terminal from answering queries.
 *
 * The session's holder answers them, in the order of the stream. An answer from a page would be typed
 * into the agent's prompt: once more for each page that looks, and again at each replay.
 * Keys, mouse and focus changes are the user's and stay.
 */
import type { IDisposable, IParser } from "@xterm/xterm";

/** The part of xterm.js that this needs; the browser's terminal and the headless one both have it. */
export interface Answering {
  readonly parser: IParser;
}

/** Query sequences whose every form asks for a report. */
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

/** Colours: palette, foreground, background, cursor. Setting them stays, asking for them does not. */
const OSC_COLOURS = [4, 10, 11, 12] as const;

/** Silences `terminal`; disposing the result lets it answer again. */
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

/** A sequence that both sets and asks is dropped whole: half of it cannot be handed on. */
const asksForColour = (data: string): boolean => data.split(";").includes("?");

/**
 * Tells the focus report that xterm.js makes by itself, when the program turns focus reports on, from
 * those that the user makes by coming and going: only the latter are input.
 */
export class FocusReports {
  #turnedOn = false;
  readonly #handler: IDisposable;

  constructor(terminal: Answering) {
    this.#handler = terminal.parser.registerCsiHandler({ prefix: "?", final: "h" }, (params) => {
      if (params.includes(1004)) {
        // The report is made before this turn of the event loop is over; the user's come in later ones.
        this.#turnedOn = true;
        queueMicrotask(() => {
          this.#turnedOn = false;
        });
      }
      return false;
    });
  }

  /** True for data that xterm.js reported by itself. */
  isOwn(data: string): boolean {
    return this.#turnedOn && (data === "\x1b[I" || data === "\x1b[O");
  }

  dispose(): void {
    this.#handler.dispose();
  }
}
