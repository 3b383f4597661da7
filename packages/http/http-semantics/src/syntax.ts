/** What a character may be part of, by its code; one look-up for each character. */
const TCHAR = 1;
const UPPER = 2;
const VCHAR = 4;
const BLANK = 8;

const CLASSES = /* @__PURE__ */ classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  for (let code = 0x21; code < 0x100; code++) if (code !== 0x7f) table[code] = VCHAR; // VCHAR and obs-text, RFC 9110 §5.5
  const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"; // RFC 9110 §5.6.2
  for (let i = 0; i < tokens.length; i++) table[tokens.charCodeAt(i)]! |= TCHAR;
  for (let code = 0x41; code <= 0x5a; code++) table[code]! |= TCHAR | UPPER;
  table[0x20] = BLANK;
  table[0x09] = BLANK;
  return table;
}

/** RFC 9110 §5.6.2. Methods and field names are tokens. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if ((CLASSES[text.charCodeAt(i)]! & TCHAR) === 0) return false; // beyond the table: undefined & 1 is 0
  return true;
}

/** A field name without upper case, as HTTP/2 and HTTP/3 require it (RFC 9113 §8.2.1, RFC 9114 §4.2). */
export function isLowerCaseFieldName(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if ((CLASSES[text.charCodeAt(i)]! & (TCHAR | UPPER)) !== TCHAR) return false;
  return true;
}

/** RFC 9110 §5.5: visible characters and obs-text, blanks between them but not around them; may be empty. */
export function isFieldValue(text: string): boolean {
  const last = text.length - 1;
  for (let i = 0; i <= last; i++) {
    const kind = CLASSES[text.charCodeAt(i)]!;
    if ((kind & VCHAR) !== 0) continue;
    if (kind !== BLANK || i === 0 || i === last) return false;
  }
  return true;
}

/** Takes optional white space (SP, HTAB) off both ends, and nothing else. RFC 9110 §5.6.3. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && CLASSES[text.charCodeAt(start)] === BLANK) start++;
  while (end > start && CLASSES[text.charCodeAt(end - 1)] === BLANK) end--;
  return text.slice(start, end);
}

/** uri-host [":" port] (RFC 9110 §7.2, RFC 3986 §3.2): a bracketed address, or what a name may be made of. */
const AUTHORITY = /^(?:\[[\dA-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+)(?::\d{0,5})?$/;

/** Whether this is a host, with or without a port, as http and https have it: no user information (RFC 9110 §4.2.4). */
export const isAuthority = (text: string): boolean => AUTHORITY.test(text);
