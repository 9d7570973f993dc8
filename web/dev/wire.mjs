// The server's side of the binary protocol `wxcode.v1`, for the mock server.

export const PROTOCOL = "wxcode.v1";

function numbered(kind, number, rest = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUInt8(kind);
  head.writeBigUInt64BE(BigInt(number), 1);
  return Buffer.concat([head, rest]);
}

function size({ cols, rows }) {
  const sides = Buffer.alloc(4);
  sides.writeUInt16BE(cols);
  sides.writeUInt16BE(rows, 2);
  return sides;
}

const json = (kind, value) => Buffer.concat([Buffer.of(kind), Buffer.from(JSON.stringify(value))]);

export const frame = {
  status: (value) => json(80, value),
  snapshot: (offset, of, bytes) => numbered(65, offset, Buffer.concat([size(of), bytes])),
  output: (offset, bytes) => numbered(66, offset, bytes),
  resized: (offset, to) => numbered(67, offset, size(to)),
  inputTaken: (number) => numbered(70, number),
  inputRefused: (number, reason) => numbered(71, number, Buffer.from(reason)),
  exited: (value) => json(76, value),
  error: (code, message) => json(77, { code, message }),
  role: (driver) => Buffer.of(81, driver ? 1 : 0),
  pong: () => Buffer.of(83),
};

/** Parses a client's message; `null` for an unknown type. */
export function decode(message) {
  const number = () => Number(message.readBigUInt64BE(1));
  switch (message[0]) {
    case 4:
      return { type: "input", number: number(), bytes: message.subarray(9) };
    case 6:
      return { type: "resize", size: { cols: message.readUInt16BE(1), rows: message.readUInt16BE(3) } };
    case 12:
      return { type: "redraw", history: message.readUInt32BE(1) };
    case 16:
      return { type: "ack", offset: number() };
    case 17:
      return { type: "drive" };
    case 18:
      return { type: "ping" };
    default:
      return null;
  }
}
