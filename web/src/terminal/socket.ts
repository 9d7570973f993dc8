/**
 * Carries out the effects of the connection's machine: a WebSocket, timers, and messages in both
 * directions.
 */
import { API_BASE } from "../api/client";
import { Credit } from "./credit";
import {
  type ClientFrame,
  decodeFrame,
  encodeFrame,
  type ServerFrame,
  type Size,
  type Status,
} from "./frame";
import { Heartbeat } from "./heartbeat";
import { type Effect, type LinkEvent, type Phase, step, takesKeys } from "./link";
import { type Input, Outbox } from "./outbox";

/** Longest time from drawing to acknowledgement, in milliseconds. */
export const ACK_MS = 100;
/** Requested history, in bytes: about the capacity of the page's terminal. */
export const HISTORY = 256 << 10; // 256 KiB

/** A place in a session's output, from which the terminal can continue. */
export interface Place {
  session: string;
  since: number;
}

/** Why inputs of unknown fate were dropped. */
export type LossCause = "ended" | "another_session" | "forgotten";

export interface SocketHandlers {
  phase(phase: Phase): void;
  /** The connection has a session; `again` when the terminal continues at its place. */
  status(status: Status, again: boolean): void;
  /**
   * A whole screen; `held` when the terminal already holds everything before. Calls `drawn` when
   * it is drawn or needs no drawing.
   */
  snapshot(size: Size, bytes: Uint8Array, held: boolean, drawn: () => void): void;
  /**
   * Output of the agent. Calls `drawn` once the terminal has parsed it. `mine` is true for live output
   * while this window drives the session: a replay, or another window, acts on none of it.
   */
  output(bytes: Uint8Array, drawn: () => void, mine: boolean): void;
  /** The terminal's size after all earlier output. */
  resized(size: Size): void;
  role(driver: boolean): void;
  /** The server's answer about an input typed not at all, or not wholly. */
  refused(reason: string): void;
  /** The number of typed bytes, never acknowledged and not sent again. */
  lost(bytes: number, cause: LossCause): void;
  /** The server's answer about another refused request. */
  error(message: string, code: string): void;
  login(): void;
}

type Snapshot = Extract<ServerFrame, { type: "snapshot" }>;
type Output = Extract<ServerFrame, { type: "output" }>;

/** Opens a WebSocket of the protocol, at `place` if given. */
export type OpenSocket = (client: string, place: Place | null) => WebSocket;

export class TerminalSocket {
  #phase: Phase = { at: "idle" };
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  /** The terminal's place, with all output given to the terminal; `null` before the first screen. */
  #place: Place | null = null;
  /** The session of the inputs. */
  #session: string | null = null;
  #readOnly = false;
  /** The session has this window's size, or had it before the connection broke. */
  #drives = false;
  /** Output before this offset is a replay. */
  #live = 0;
  /** The size that the window can hold. */
  #room: Size | null = null;
  readonly #outbox = new Outbox();
  readonly #credit = new Credit();
  readonly #heart = new Heartbeat(
    () => this.#send({ type: "ping" }),
    // The terminal continues at its place.
    () => this.#step({ type: "broken" }),
  );
  /** The session tells the inputs of terminals apart by this name. */
  readonly #client = clientName();
  readonly #open: OpenSocket;
  readonly #handlers: SocketHandlers;

  constructor(open: OpenSocket, handlers: SocketHandlers) {
    this.#open = open;
    this.#handlers = handlers;
  }

  /** The session in the terminal, now or last. */
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

  /**
   * The network returned or the page became visible: reconnect at once, or make sure that the
   * connection works.
   */
  wake(): void {
    this.#step({ type: "wake" });
    this.#heart.wake();
  }

  /**
   * Takes the user's input, to be sent as the session has room, or when a lost connection is back.
   * Returns the reason when it took nothing.
   */
  input(bytes: Uint8Array): "taken" | "away" | "full" {
    if (!takesKeys(this.#phase) || this.#readOnly) return "away";
    if (!this.#outbox.add(bytes)) return "full";
    if (this.#phase.at === "connected") this.#sendInputs(this.#outbox.next());
    return "taken";
  }

  /** Sets the size that the window can hold, also for later connections. */
  resize(room: Size): void {
    this.#room = room;
    if (this.#phase.at === "connected") this.#sendRoom();
  }

  /** Asks the session to take this window's size. */
  drive(): void {
    if (this.#phase.at === "connected") this.#send({ type: "drive" });
  }

  /** Asks for the screen with the history. */
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
    // A replaced socket may still send; ignore its messages.
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
      this.#heart.heard();
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

  /** Returns false and draws nothing without a session. */
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

  /** Returns false and draws nothing when the output does not continue the terminal's content. */
  #showOutput({ offset, bytes }: Output, current: () => boolean): boolean {
    const place = this.#place;
    if (place?.since !== offset) return false;
    const end = offset + bytes.length;
    this.#place = { ...place, since: end };
    const drawn = () => {
      if (current()) this.#drawn(end);
    };
    this.#handlers.output(bytes, drawn, this.#drives && offset >= this.#live);
    return true;
  }

  /** The connection has a session: the terminal's own, or another. */
  #attach(status: Status): void {
    const { sessionId, input } = status;
    this.#readOnly = status.readOnly;
    this.#live = status.live;
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
    this.#heart.start();
    this.#sendRoom();
    // Another client may have come first.
    if (this.#drives && same) this.drive();
    this.#sendInputs(unsent ?? []);
    this.#sendInputs(this.#outbox.next());
    this.#handlers.status(status, again);
  }

  /** Unacknowledged input is not typed again. */
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

  /** The output makes no sense: the next connection gets a whole screen. */
  #beginAnew(): void {
    this.#place = null;
    this.#step({ type: "broken" });
  }

  #close(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#heart.stop();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** 32 random hexadecimal digits. */
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

/** The address of a project's terminal for the page at `location`. Looking starts no session. */
export function terminalAddress(location: Location, to: TerminalAddress): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = new URLSearchParams({ lang: to.language, client: to.client, start: "false" });
  if (to.place) {
    query.set("session", to.place.session);
    query.set("since", String(to.place.since));
  }
  if (to.readOnly) query.set("read_only", "true");
  return `${scheme}//${location.host}${API_BASE}/output-projects/${encodeURIComponent(to.projectId)}/terminal?${query}`;
}
