/** Octets as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte >>> 4]! + HEX[byte & 15]!;
  return text;
}

/** Octets from hexadecimal; white space is passed over, so that vectors can be pasted from an RFC. Throws on anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new Error(`not hexadecimal: '${text.slice(0, 40)}'`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const HEX = '0123456789abcdef';

/** Text as UTF-8. Below the outer rings there is no TextEncoder, which belongs to a world. Lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    if (code < 0x80) bytes[at++] = code;
    else {
      const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      bytes[at++] = (code >>> (6 * more)) | [0, 0xc0, 0xe0, 0xf0][more]!;
      for (let i = more - 1; i >= 0; i--) bytes[at++] = 0x80 | ((code >>> (6 * i)) & 0x3f);
    }
  }
  return bytes;
}

/** Text from UTF-8. What is not well formed becomes U+FFFD, one for each octet that cannot be taken. */
export function fromUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    let code = first & (0x3f >>> more);
    let taken = 0;
    while (taken < more && (bytes[i + taken]! & 0xc0) === 0x80) code = (code << 6) | (bytes[i + taken++]! & 0x3f);
    const wellFormed =
      more > 0 &&
      taken === more &&
      !(more === 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) &&
      !(more === 3 && (code < 0x10000 || code > 0x10ffff));
    text += wellFormed ? String.fromCodePoint(code) : '\ufffd';
    if (wellFormed) i += more;
  }
  return text;
}

/** Text as one octet for each character; characters from U+0100 on throw. For fields, host names and the like. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new Error(`character ${i} of '${text.slice(0, 40)}' does not fit one octet`);
    bytes[i] = code;
  }
  return bytes;
}

/** One character for each octet. */
export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
