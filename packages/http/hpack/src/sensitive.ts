/** A field line, as `@quiclab/http-semantics` has it. */
export type Line = readonly [name: string, value: string];

const marked = new WeakSet<Line>();

/**
 * Says of this very line that no hop may put it into a table, where its octets could be guessed at: it is written never-indexed. Decoders
 * say it of lines that came so, since an intermediary must pass them on so. RFC 7541 §6.2.3, §7.1.3; RFC 9204 §7.1.3.
 */
export function markSensitive(line: Line): Line {
  marked.add(line);
  return line;
}

export const isSensitive = (line: Line): boolean => marked.has(line);
