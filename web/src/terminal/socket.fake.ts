/** The server's end of a terminal's connection, for tests, and a page's end that records its calls. */
import { expect, vi } from "vitest";
import type { Size } from "./frame";
import type { Phase } from "./link";
import { type LossCause, type Place, TerminalSocket } from "./socket";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The server's end of a WebSocket, played by the test. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  binaryType = "blob";
  closed = false;
  /** The page's messages, in words. */
  sent: string[] = [];
  readonly client: string;
  readonly place: Place | null;
  constructor(client: string, place: Place | null) {
    this.client = client;
    this.place = place;
    FakeSocket.all.push(this);
  }
  send(message: Uint8Array): void {
    const view = new DataView(message.buffer);
    const number = (): bigint => view.getBigUint64(1);
    const words: Record<number, () => string> = {
      4: () => `input ${number()} ${new TextDecoder().decode(message.subarray(9))}`,
      6: () => `resize ${view.getUint16(1)}×${view.getUint16(3)}`,
      12: () => `redraw ${view.getUint32(1)}`,
      16: () => `ack ${number()}`,
      17: () => "drive",
      18: () => "ping",
    };
    this.sent.push(words[message[0] ?? 0]?.() ?? `type ${message[0]}`);
  }
  /** The page's messages since the last call. */
  heard(): string[] {
    return this.sent.splice(0);
  }
  close(): void {
    this.closed = true;
  }
  drops(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }
  says(kind: number, ...parts: (Uint8Array | [number, "u64" | "u16"])[]): void {
    const out: number[] = [kind];
    for (const part of parts) {
      if (part instanceof Uint8Array) {
        for (const byte of part) out.push(byte);
        continue;
      }
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, BigInt(part[0]));
      out.push(...new Uint8Array(view.buffer).subarray(part[1] === "u64" ? 0 : 6));
    }
    this.onmessage?.({ data: Uint8Array.from(out).buffer });
  }
  status(session: string, more: object = {}): void {
    this.says(80, utf8(JSON.stringify({ session_id: session, resumed: false, message: null, ...more })));
  }
  snapshot(offset: number, text: string, size: Size = { cols: 80, rows: 24 }): void {
    this.says(65, [offset, "u64"], [size.cols, "u16"], [size.rows, "u16"], utf8(text));
  }
  output(offset: number, text: string): void {
    this.says(66, [offset, "u64"], utf8(text));
  }
  taken(number: number): void {
    this.says(70, [number, "u64"]);
  }
}

export function setup() {
  const seen = {
    phases: [] as Phase["at"][],
    /** The terminal's received calls. */
    drawing: [] as string[],
    errors: [] as string[],
    refused: [] as string[],
    lost: [] as [number, LossCause][],
    again: [] as boolean[],
    drivers: [] as boolean[],
    logins: 0,
    drawn: [] as (() => void)[],
    /** Received bytes not yet drawn. */
    pending: 0,
  };
  const draw = (bytes: Uint8Array, drawn: () => void): void => {
    seen.pending += bytes.length;
    seen.drawn.push(() => {
      seen.pending -= bytes.length;
      drawn();
    });
  };
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const socket = new TerminalSocket(
    (client, place) => new FakeSocket(client, place) as unknown as WebSocket,
    {
      phase: (phase) => seen.phases.push(phase.at),
      status: (_status, again) => seen.again.push(again),
      snapshot: ({ cols, rows }, bytes, held, drawn) => {
        seen.drawing.push(`${cols}×${rows} ${text(bytes)}${held ? " (held)" : ""}`);
        draw(bytes, drawn);
      },
      output: (bytes, drawn) => {
        seen.drawing.push(text(bytes));
        draw(bytes, drawn);
      },
      resized: ({ cols, rows }) => seen.drawing.push(`${cols}×${rows}`),
      role: (driver) => seen.drivers.push(driver),
      refused: (reason) => seen.refused.push(reason),
      lost: (bytes, cause) => seen.lost.push([bytes, cause]),
      error: (message) => seen.errors.push(message),
      login: () => {
        seen.logins += 1;
      },
    },
  );
  const drawAll = (): void => {
    for (const drawn of seen.drawn.splice(0)) drawn();
  };
  return { socket, seen, drawAll };
}

export const last = (): FakeSocket => FakeSocket.all.at(-1) ?? expect.fail("no socket was opened");

/** The server opens a session on the newest connection. */
export function attach(session = "s", more: object = {}): FakeSocket {
  last().onopen?.();
  last().status(session, more);
  return last();
}

/** The connection breaks, and the page reconnects. */
export function reconnect(): void {
  last().drops(1006);
  vi.advanceTimersByTime(5_000);
}
