/** Carries out the effects of the connection's machine: a WebSocket, a timer, the terminal's output and input. */
import { type Effect, type LinkEvent, type Phase, step } from "./link";
import {
  type ClientMessage,
  inputMessages,
  parseMessage,
  resizeMessage,
  type StatusMessage,
} from "./message";

/** Most characters handed to the terminal and not yet drawn. xterm.js discards above 50 MB. */
export const PENDING_MAX = 8 * 1024 * 1024;

/** Most bytes of input that may wait in the browser for the network. */
export const UNSENT_MAX = 16 * 1024 * 1024;

/** Ends a sequence that an earlier connection left unfinished (CAN), then resets everything (RIS). */
export const FRESH_SCREEN = "\x18\x1bc";

export interface SocketHandlers {
  phase(phase: Phase): void;
  /** Draws `data`; calls `drawn` when the terminal has taken it in. */
  write(data: string, drawn: () => void): void;
  status(status: StatusMessage): void;
  /** The server's word on something that it did not do. */
  error(message: string, code: string | null): void;
  login(): void;
}

export type OpenSocket = () => WebSocket;

export class TerminalSocket {
  #phase: Phase = { at: "idle" };
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pending = 0;
  readonly #open: OpenSocket;
  readonly #handlers: SocketHandlers;

  constructor(open: OpenSocket, handlers: SocketHandlers) {
    this.#open = open;
    this.#handlers = handlers;
  }

  /** Connects, also after an end or a refusal. */
  start(): void {
    this.#step({ type: "start" });
  }

  stop(): void {
    this.#step({ type: "stop" });
  }

  /** The network came back or the page became visible: no need to wait any longer. */
  wake(): void {
    this.#step({ type: "wake" });
  }

  /** Sends what the user typed. False, and nothing sent, when it cannot go out now. */
  input(data: string): boolean {
    if (this.#phase.at !== "connected" || !this.#socket) return false;
    // UTF-16 units are a lower bound of the bytes, which is enough for a bound of this size.
    if (this.#socket.bufferedAmount + data.length > UNSENT_MAX) return false;
    for (const message of inputMessages(data)) this.#send(message);
    return true;
  }

  resize(cols: number, rows: number): void {
    if (this.#phase.at === "connected") this.#send(resizeMessage(cols, rows));
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #step(event: LinkEvent): void {
    const before = this.#phase;
    const [phase, effects] = step(before, event);
    this.#phase = phase;
    for (const effect of effects) this.#carryOut(effect);
    if (phase !== before) this.#handlers.phase(phase);
  }

  #carryOut(effect: Effect): void {
    switch (effect.do) {
      case "open":
        this.#close();
        this.#connect();
        break;
      case "close":
        this.#close();
        break;
      case "schedule":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#step({ type: "timer" }), effect.ms);
        break;
      case "cancel":
        clearTimeout(this.#timer);
        break;
      case "login":
        this.#handlers.login();
        break;
    }
  }

  #connect(): void {
    const socket = this.#open();
    this.#socket = socket;
    let fresh = true;
    // A socket that was replaced may still speak; nobody listens then.
    const current = (): boolean => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.#step({ type: "opened" });
    };
    socket.onclose = ({ code, reason }) => {
      if (!current()) return;
      this.#socket = null;
      this.#step({ type: "lost", code, reason });
    };
    socket.onmessage = ({ data }) => {
      if (!current()) return;
      const message = parseMessage(data);
      if (!message) return;
      switch (message.type) {
        case "status":
          if (message.sessionId !== null) this.#step({ type: "attached" });
          this.#handlers.status(message);
          break;
        case "output":
          this.#step({ type: "attached" });
          this.#draw(fresh ? FRESH_SCREEN + message.data : message.data);
          fresh = false;
          break;
        case "error":
          this.#handlers.error(message.message, message.code);
          break;
        case "closed":
          this.#step({ type: "exited", exit: { code: message.exitCode, signal: message.signal } });
          break;
      }
    };
  }

  #draw(data: string): void {
    this.#pending += data.length;
    this.#handlers.write(data, () => {
      this.#pending -= data.length;
    });
    // The server sends the newest screen to whoever connects, so skipping ahead is connecting again.
    if (this.#pending > PENDING_MAX) this.#step({ type: "flooded" });
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** The address of a project's terminal for the page at `location`. */
export function terminalAddress(location: Location, projectId: string, language: string): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const path = `/api/v1/output-projects/${encodeURIComponent(projectId)}/terminal`;
  return `${scheme}//${location.host}${path}?lang=${encodeURIComponent(language)}`;
}
