/** Carries out the effects of the connection's machine: a WebSocket, timers, and what goes over it in both directions. */
import { Credit } from "./credit";
import {
  type ClientFrame,
  decodeFrame,
  encodeFrame,
  type ServerFrame,
  type Size,
  type Status,
} from "./frame";
import { type Effect, type LinkEvent, type Phase, step } from "./link";
import { type Input, Outbox } from "./outbox";

/** Longest time before what was drawn is acknowledged, in milliseconds. */
export const ACK_MS = 100;
/** History to ask for, in bytes: about as much as the page's terminal holds. */
export const HISTORY = 256 << 10; // 256 KiB

/** A place in a session's output, from which the terminal can go on. */
export interface Place {
  session: string;
  since: number;
}

/** Why inputs were dropped that nobody knows to be typed. */
export type LossCause = "ended" | "another_session" | "forgotten";

export interface SocketHandlers {
  phase(phase: Phase): void;
  /** The connection has a session; `again` when the terminal goes on where it was. */
  status(status: Status, again: boolean): void;
  /** A whole screen; `held` when the terminal holds all up to it already. Calls `drawn` when it is drawn, or need not be. */
  snapshot(size: Size, bytes: Uint8Array, held: boolean, drawn: () => void): void;
  /** What the agent wrote. Calls `drawn` when the terminal has taken it in. */
  output(bytes: Uint8Array, drawn: () => void): void;
  /** The terminal has this size behind what came before. */
  resized(size: Size): void;
  role(driver: boolean): void;
  /** The server's word on an input that was not, or not wholly, typed. */
  refused(reason: string): void;
  /** So many typed bytes were never answered, and are not sent again. */
  lost(bytes: number, cause: LossCause): void;
  /** The server's word on something else that it did not do. */
  error(message: string, code: string): void;
  login(): void;
}

type Snapshot = Extract<ServerFrame, { type: "snapshot" }>;
type Output = Extract<ServerFrame, { type: "output" }>;

/** Opens a WebSocket that speaks the protocol, at `place` when there is one to go on from. */
export type OpenSocket = (client: string, place: Place | null) => WebSocket;

export class TerminalSocket {
  #phase: Phase = { at: "idle" };
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  /** Where the terminal is, with all that was handed to it; `null` before its first screen. */
  #place: Place | null = null;
  /** The session that the inputs are for. */
  #session: string | null = null;
  #readOnly = false;
  /** The session has this window's size, or had it when the connection broke. */
  #drives = false;
  /** What the window could hold. */
  #room: Size | null = null;
  readonly #outbox = new Outbox();
  readonly #credit = new Credit();
  /** By this the session tells this terminal's inputs from everybody else's. */
  readonly #client = clientName();
  readonly #open: OpenSocket;
  readonly #handlers: SocketHandlers;

  constructor(open: OpenSocket, handlers: SocketHandlers) {
    this.#open = open;
    this.#handlers = handlers;
  }

  /** The session that the terminal shows, or showed last. */
  get session(): string | null {
    return this.#session;
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

  /** Takes what the user typed, to be sent as the session has room. Says why not, when nothing of it was taken. */
  input(bytes: Uint8Array): "taken" | "away" | "full" {
    if (this.#phase.at !== "connected" || this.#readOnly) return "away";
    if (!this.#outbox.add(bytes)) return "full";
    this.#sendInputs(this.#outbox.next());
    return "taken";
  }

  /** The window can hold this size, from now on and after coming back. */
  resize(room: Size): void {
    this.#room = room;
    if (this.#phase.at === "connected") this.#sendRoom();
  }

  /** The session is to have this window's size. */
  drive(): void {
    if (this.#phase.at === "connected") this.#send({ type: "drive" });
  }

  /** Asks for the screen with its history. */
  redraw(): void {
    if (this.#phase.at === "connected") this.#send({ type: "redraw", history: HISTORY });
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(encodeFrame(frame));
  }

  #sendInputs(inputs: Input[]): void {
    for (const input of inputs) this.#send({ type: "input", ...input });
  }

  #sendRoom(): void {
    if (this.#room && !this.#readOnly) this.#send({ type: "resize", size: this.#room });
  }

  #step(event: LinkEvent): void {
    const before = this.#phase;
    const [phase, effects] = step(before, event);
    this.#phase = phase;
    for (const effect of effects) this.#carryOut(effect);
    if (phase === before) return;
    this.#handlers.phase(phase);
    if (phase.at === "ended" || phase.at === "refused") this.#drop("ended", 0);
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
    const socket = this.#open(this.#client, this.#place);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    // A socket that was replaced may still speak; nobody listens then.
    const current = (): boolean => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.#step({ type: "opened" });
    };
    socket.onclose = ({ code, reason }) => {
      if (!current()) return;
      this.#close();
      this.#step({ type: "lost", code, reason });
    };
    socket.onmessage = ({ data }) => {
      if (!current()) return;
      let frame: ServerFrame | null;
      try {
        frame = decodeFrame(data);
      } catch {
        return this.#beginAnew();
      }
      if (frame) this.#take(frame, current);
    };
  }

  #take(frame: ServerFrame, current: () => boolean): void {
    switch (frame.type) {
      case "status":
        this.#attach(frame.status);
        break;
      case "snapshot":
        if (!this.#showScreen(frame, current)) this.#beginAnew();
        break;
      case "output":
        if (!this.#showOutput(frame, current)) this.#beginAnew();
        break;
      case "resized":
        if (this.#place) this.#handlers.resized(frame.size);
        break;
      case "input_taken":
        this.#outbox.taken(frame.number);
        this.#sendInputs(this.#outbox.next());
        break;
      case "input_refused":
        if (this.#outbox.refused(frame.number)) this.#handlers.refused(frame.reason);
        this.#sendInputs(this.#outbox.next());
        break;
      case "role":
        this.#drives = frame.driver;
        this.#handlers.role(frame.driver);
        break;
      case "error":
        this.#handlers.error(frame.message, frame.code);
        break;
      case "exited":
        this.#step({ type: "exited", exit: frame.exit });
        break;
    }
  }

  /** False, and nothing drawn, when there is no session to be shown. */
  #showScreen({ offset, size, bytes }: Snapshot, current: () => boolean): boolean {
    if (this.#session === null) return false;
    const held = this.#place?.since === offset;
    this.#place = { session: this.#session, since: offset };
    this.#handlers.snapshot(size, bytes, held, () => {
      if (!current()) return;
      this.#credit.begin(offset);
      this.#send({ type: "ack", offset });
    });
    return true;
  }

  /** False, and nothing drawn, when this is not what follows on what the terminal holds. */
  #showOutput({ offset, bytes }: Output, current: () => boolean): boolean {
    const place = this.#place;
    if (place?.since !== offset) return false;
    const end = offset + bytes.length;
    this.#place = { ...place, since: end };
    this.#handlers.output(bytes, () => {
      if (current()) this.#drawn(end);
    });
    return true;
  }

  /** The connection has a session: the one that the terminal shows and the inputs are for, or another. */
  #attach(status: Status): void {
    const { sessionId, input } = status;
    this.#readOnly = status.readOnly;
    if (!status.connected) {
      // The last screen and the end follow: there is nothing to attach to.
      if (this.#place?.session !== sessionId) this.#place = null;
      this.#session = sessionId || null;
      return;
    }
    const same = this.#session === sessionId;
    if (this.#place?.session !== sessionId) this.#place = null;
    this.#session = sessionId;
    const again = this.#place !== null;
    if (this.#place) this.#credit.begin(this.#place.since);
    const unsent = same ? this.#outbox.resume(input) : null;
    if (!unsent) this.#drop(same ? "forgotten" : "another_session", input);
    this.#step({ type: "attached" });
    this.#sendRoom();
    // Somebody else may have come back first.
    if (this.#drives && same) this.drive();
    this.#sendInputs(unsent ?? []);
    this.#sendInputs(this.#outbox.next());
    this.#handlers.status(status, again);
  }

  /** What was typed and never answered is not typed any more. */
  #drop(cause: LossCause, number: number): void {
    const bytes = this.#outbox.begin(number);
    if (bytes > 0) this.#handlers.lost(bytes, cause);
  }

  #drawn(offset: number): void {
    if (this.#credit.drawn(offset)) this.#acknowledge();
    else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    const offset = this.#credit.take();
    if (offset !== null) this.#send({ type: "ack", offset });
  }

  /** What came makes no sense: the next connection gets a whole screen. */
  #beginAnew(): void {
    this.#place = null;
    this.#step({ type: "broken" });
  }

  #close(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** 32 hexadecimal digits, chosen at random. */
function clientName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface TerminalAddress {
  projectId: string;
  language: string;
  client: string;
  place: Place | null;
  readOnly: boolean;
}

/** The address of a project's terminal for the page at `location`. To look at it starts no session. */
export function terminalAddress(location: Location, to: TerminalAddress): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = new URLSearchParams({ lang: to.language, client: to.client, start: "false" });
  if (to.place) {
    query.set("session", to.place.session);
    query.set("since", String(to.place.since));
  }
  if (to.readOnly) query.set("read_only", "true");
  return `${scheme}//${location.host}/api/v1/output-projects/${encodeURIComponent(to.projectId)}/terminal?${query}`;
}
