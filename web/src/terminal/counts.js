/**
 * Bounds the counts of control sequences. xterm.js executes a count step by step, up to 2,147,483,647
 * steps: seconds to minutes for 13 bytes of output. In JavaScript, because the judge of the screen
 * engine (judge/) needs the same bounds.
 *
 * @typedef {{ params: Int32Array }} Params
 * @typedef {{ final: string }} Sequence
 * @typedef {{ dispose(): void }} Disposable
 * @typedef {(params: Params) => boolean} Handler
 * @typedef {{ cols: number, rows: number, registerCsiHandler(id: Sequence, handler: Handler): Disposable }} Core
 */

/** Sequences of rows and of tab stops: more than the screen has change nothing further. */
const PER_ROW = ["S", "T", "L", "M"];
const PER_COLUMN = ["I", "Z"];
/** REP: at most a screenful, like xterm and the screen engine. */
const PER_CELL = ["b"];

/**
 * Bounds the counts of `terminal`; disposing the result ends that.
 *
 * @param {object} terminal xterm.js, of the browser or headless
 * @returns {Disposable}
 */
export function boundCounts(terminal) {
  // The public interface gives handlers a copy of the parameters, which they cannot change.
  const core = /** @type {{ _core: Core }} */ (terminal)._core;
  /**
   * @param {string[]} finals
   * @param {() => number} most
   */
  const bound = (finals, most) =>
    finals.map((final) =>
      core.registerCsiHandler({ final }, ({ params }) => {
        params[0] = Math.min(params[0] ?? 0, most());
        return false;
      }),
    );
  const registered = [
    ...bound(PER_ROW, () => core.rows),
    ...bound(PER_COLUMN, () => core.cols),
    ...bound(PER_CELL, () => core.rows * core.cols),
  ];
  return { dispose: () => registered.forEach((handler) => void handler.dispose()) };
}
