// A pretend agent for the mock server: a small full-screen program that redraws itself on every
// change.
import { ASKS, STATES, TRUST, words } from "./ask.mjs";

const SPINNER = "✻✽✶✢";
const GREEN = "\x1b[38;2;124;201;143m";
const SOFT = "\x1b[38;2;139;148;157m";
const ACCENT = "\x1b[38;2;215;119;87m";
const OFF = "\x1b[0m";

export class Agent {
  lines = [];
  prompt = "";
  /** The open dialog. */
  asks = null;
  /** The clients' exact input, for tests. */
  received = "";
  /**
   * Prints line by line on the primary screen to make a history, instead of drawing the whole
   * screen.
   */
  plain = false;
  #timers = new Set();
  #frame = 0;
  #state = "starting";
  #askCount = 0;

  constructor({ cols, rows, cwd, trusted, output, submitted, exited, rotated, changed }) {
    Object.assign(this, { cols, rows, cwd, output, submitted, exited, rotated, changed });
    this.#later(700, () => {
      if (trusted) this.state = "idle";
      else this.#ask(TRUST());
      this.draw();
    });
  }

  get state() {
    return this.#state;
  }

  set state(state) {
    this.#state = state;
    this.changed();
  }

  /** Takes an answer from the API, as the real server types it. */
  answer(body) {
    const text = words(this.asks, body);
    this.#answered(text);
    this.draw();
  }

  #ask(ask) {
    this.#askCount += 1;
    this.asks = { id: `ask-${this.#askCount}`, ...ask };
    this.state = STATES[ask.kind];
  }

  #answered(text) {
    const { dialog } = this.asks;
    this.asks = null;
    if (dialog === "trust_folder" && text.startsWith("No")) {
      this.exited(1);
      return;
    }
    this.#say(`${SOFT}  ⎿${OFF}  ${text}`);
    if (dialog === "trust_folder" || dialog === "other") this.state = "idle";
    else this.#work();
  }

  resize(cols, rows) {
    this.cols = cols;
    this.rows = rows;
    this.draw();
  }

  input(data) {
    this.received += data;
    const text = data
      .replace(/\x1b\[200~([\s\S]*?)\x1b\[201~/g, (_, pasted) => pasted.replaceAll("\r", "\n"))
      .replace(/\x1b(\[[0-9;<]*[A-Za-z~]|O.)/g, "");
    if (data === "\x1b" && this.asks) {
      this.asks = null;
      this.state = "idle";
    }
    for (const char of text) {
      if (char === "\r") this.#enter();
      else if (char === "\x7f") this.prompt = this.prompt.slice(0, -1);
      else if (char === "\x03") this.prompt = "";
      else if (char >= " " || char === "\n") this.prompt += char;
    }
    this.draw();
  }

  /** Types a delivery's text, as the real server does with a paste and a CR. */
  deliver(text) {
    this.prompt = text;
    this.#enter();
    this.draw();
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** The whole screen for an attaching client, with up to this many bytes of lines above it. */
  screen(history = 0) {
    return this.plain ? this.#plainScreen(history) : this.#fullScreen();
  }

  #plainScreen(history) {
    let room = history;
    const shown = this.lines.slice(-(this.rows - 1));
    for (const line of this.lines.slice(0, -shown.length).reverse()) {
      room -= line.length + 2;
      if (room < 0) break;
      shown.unshift(line);
    }
    return `\x1b[?2004h\x1b[?1004h${shown.map((line) => `${line}\r\n`).join("")}> ${this.prompt}`;
  }

  #fullScreen() {
    const width = Math.max(this.cols, 20);
    const inner = width - 2;
    const room = Math.max(this.rows - 9, 1);
    const cut = (text) => [...text].slice(0, width - 1).join("");
    const out = ["\x1b[?25l\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[H\x1b[2J"];
    out.push(`${ACCENT} ▐▛███▜▌${OFF}  \x1b[1mPretend Code${OFF} ${SOFT}v0.0.0${OFF}\r\n`);
    out.push(`${ACCENT}▝▜█████▛▘${OFF} ${SOFT}${cut(this.cwd).slice(0, width - 12)}${OFF}\r\n\r\n`);
    const shown = this.lines.slice(-room);
    for (const line of shown) out.push(`${line}\x1b[0m\r\n`);
    const spin = SPINNER[this.#frame % SPINNER.length];
    if (this.state === "working")
      out.push(`\r\n${ACCENT}${spin} Working…${OFF} ${SOFT}(esc to interrupt)${OFF}\r\n`);
    else if (this.asks)
      out.push(`\r\n\x1b[38;2;240;180;95mDo you want to proceed? (${this.asks.dialog}, Enter)\x1b[0m\r\n`);
    const top = Math.max(this.rows - 3, 1);
    out.push(`\x1b[${top};1H${SOFT}╭${"─".repeat(inner)}╮${OFF}`);
    const prompt = [...this.prompt.replaceAll("\n", "⏎")].slice(-(inner - 5)).join("");
    out.push(`\x1b[${top + 1};1H${SOFT}│${OFF} > ${prompt}\x1b[${top + 1};${width}H${SOFT}│${OFF}`);
    out.push(`\x1b[${top + 2};1H${SOFT}╰${"─".repeat(inner)}╯${OFF}`);
    out.push(`\x1b[${top + 3};1H${SOFT}  ? for shortcuts${OFF}`);
    out.push(`\x1b[${top + 1};${5 + [...prompt].length}H\x1b[?25h`);
    return out.join("");
  }

  draw() {
    this.output(this.plain ? `\r\x1b[K> ${this.prompt}` : this.screen());
  }

  /** Prints lines on the primary screen. */
  print(lines) {
    const text = lines.map((line) => `${line}\r\n`).join("");
    if (!this.plain) this.lines = [];
    this.lines.push(...lines);
    const begin = this.plain ? "\r\x1b[K" : "\x1b[?1049l\x1b[H\x1b[2J";
    this.plain = true;
    this.output(`${begin}${text}> ${this.prompt}`);
  }

  #say(text) {
    this.lines.push(text);
    if (this.lines.length > 500) this.lines.splice(0, 100);
  }

  #enter() {
    if (this.asks) {
      this.#answered(this.asks.options.at(this.asks.selected) ?? "…");
      return;
    }
    const text = this.prompt.trim();
    this.prompt = "";
    if (text === "") return;
    const [command, argument] = text.split(/\s+/);
    if (command === "/exit") return this.exited(Number(argument ?? 0));
    if (command === "/clear") {
      this.lines = [];
      return this.rotated();
    }
    if (command === "/lines") {
      const count = Number(argument ?? 100);
      return this.print(Array.from({ length: count }, (_, n) => `line ${n + 1} of ${count}`));
    }
    if (command === "/queries") {
      return this.output(
        "\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[?6n\x1b[?2026$p\x1b[4$p\x1bP$qm\x1b\\\x1b[>0q\x1b]4;1;?\x07\x1b]10;?\x07\x1b]11;?\x07\x1b]12;?\x07\x1b[14t\x1b[18t",
      );
    }
    if (command === "/flood") {
      for (let i = 0; i < Number(argument ?? 16); i += 1)
        this.output(`\x1b[3${i % 8}m${"flood ".repeat(170_000)}`);
      return this.draw();
    }
    this.#say(`${SOFT}>${OFF} \x1b[1m${text}`);
    this.submitted(text);
    if (ASKS[command]) this.#ask(ASKS[command]());
    else this.#work();
  }

  #work() {
    this.state = "working";
    const steps = [
      `${GREEN}●${OFF} I read the context and the plan of this project.`,
      `${GREEN}●${OFF} \x1b[1mRead\x1b[0m(.planning/PROJECT.md)`,
      `  ${SOFT}└  Read 84 lines${OFF}`,
      `${GREEN}●${OFF} \x1b[1mWrite\x1b[0m(.planning/phases/01-login/01-PLAN.md)`,
      `  ${SOFT}└  Wrote 41 lines${OFF}`,
      `${GREEN}●${OFF} The first phase is planned. Ready when you are.`,
      "",
    ];
    steps.forEach((line, i) => {
      this.#later(350 * (i + 1), () => {
        this.#frame += 1;
        this.#say(line);
        if (i === steps.length - 1) this.state = "idle";
        this.draw();
      });
    });
  }

  #later(ms, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }
}
