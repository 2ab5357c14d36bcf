/**
 * @module
 * Percent-encoding (RFC 3986 §2.1), undone once.
 */

const percent = 0x25;

/**
 * The bytes that `text` stands for; its characters are bytes (latin1), as node:http gives them. Undefined when a `%` has
 * no two hexadecimal digits behind it.
 */
export function percentDecode(text: string): Buffer | undefined {
  const raw = Buffer.from(text, "latin1");
  if (!text.includes("%")) return raw;
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    let byte = raw[at] ?? 0;
    if (byte === percent) {
      byte = (hexDigit(raw[at + 1]) << 4) | hexDigit(raw[at + 2]);
      if (byte < 0) return undefined;
      at += 2;
    }
    raw[length++] = byte;
  }
  return raw.subarray(0, length);
}

/** -1 for what is none. */
function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
