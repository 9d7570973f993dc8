/** The modules of a QR code as one path. Its library comes with the first code. */

export interface Code {
  /** Modules on each side. */
  size: number;
  /** The dark ones, each row's runs as rectangles. */
  path: string;
}

export async function modules(text: string): Promise<Code> {
  const { encode } = await import("uqr");
  const { data, size } = encode(text, { ecc: "M", border: 0 });
  return { size, path: runs(data) };
}

/** A rectangle for each run of dark modules in a row. */
export function runs(rows: readonly (readonly boolean[])[]): string {
  const parts: string[] = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      let end = x;
      while (row[end]) end += 1;
      parts.push(`M${x} ${y}h${end - x}v1h-${end - x}z`);
      x = end;
    }
  });
  return parts.join("");
}
