// Bytes of a stranger, made harmless to look at. They are only ever shown as text; but text, too,
// can move the cursor, reorder a line or hide in it.

/** Controls, and what is about direction or has no width (Unicode Technical Report 36). */
const unseen = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** UTF-8, with what is not to be seen made visible. */
export function asText(bytes) {
  return new TextDecoder('utf-8', { ignoreBOM: true })
    .decode(bytes)
    .replaceAll('\r\n', '\n')
    .replace(unseen, (character) => `⟨U+${hex(character.codePointAt(0), 4).toUpperCase()}⟩`);
}

const perLine = 16;

/** Sixteen bytes a line, with their position and as ASCII. */
export function asHex(bytes, position) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += perLine) {
    const line = [...bytes.subarray(at, at + perLine)];
    const digits = line.map((byte) => hex(byte, 2)).join(' ').padEnd(perLine * 3 - 1);
    const ascii = line
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '.'))
      .join('');
    lines.push(`${hex(position + at, 8)}  ${digits}  ${ascii}`);
  }
  return lines.join('\n');
}

const hex = (value, digits) => value.toString(16).padStart(digits, '0');
