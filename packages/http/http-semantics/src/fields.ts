/**
 * A field line: its name, and its value without surrounding white space. RFC 9110 §5. Names and values are strings of
 * octets: one character for each, up to U+00FF. Names are lower case here, as HTTP/2 and HTTP/3 carry them.
 */
export type Field = readonly [name: string, value: string];

/** Field lines in the order in which they were sent; order matters between lines of one name (RFC 9110 §5.3). */
export type Fields = readonly Field[];

/** The value of the only line of this name, or all of them combined as a list (RFC 9110 §5.3); undefined where there is none. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  let combined: string | undefined;
  for (const field of fields) {
    if (field[0] !== name) continue;
    combined = combined === undefined ? field[1] : combined + (name === 'cookie' ? '; ' : ', ') + field[1]; // RFC 9114 §4.2.1
  }
  return combined;
}

/** The values of all lines of this name. Set-Cookie must not be combined (RFC 9110 §5.3), so whoever wants it asks here. */
export function fieldValues(fields: Fields, name: string): string[] {
  const values: string[] = [];
  for (const field of fields) if (field[0] === name) values.push(field[1]);
  return values;
}

/** How field limits count: the octets of names and values, and 32 for each line (RFC 9114 §4.2.2, RFC 9113 §10.5.1). */
export function fieldSectionSize(fields: Fields): number {
  let size = 0;
  for (const field of fields) size += field[0].length + field[1].length + 32;
  return size;
}
