import type { Fields } from './fields.ts';

/** No Content-Length; and one that is not valid. */
export const NO_LENGTH = -1;
export const INVALID_LENGTH = -2;

/**
 * The length that the fields announce, NO_LENGTH, or INVALID_LENGTH: not digits, not below 2^53, or said more than once.
 * RFC 9110 §8.6 leaves it open to take a repeated equal value; disagreement about lengths is how messages are smuggled, so we refuse.
 */
export function contentLength(fields: Fields): number {
  let length = NO_LENGTH;
  for (const field of fields) {
    if (field[0] !== 'content-length') continue;
    if (length !== NO_LENGTH) return INVALID_LENGTH;
    length = parseContentLength(field[1]);
    if (length === INVALID_LENGTH) return INVALID_LENGTH;
  }
  return length;
}

/** 1*DIGIT as a number below 2^53, else INVALID_LENGTH. */
export function parseContentLength(text: string): number {
  if (text.length === 0) return INVALID_LENGTH;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return INVALID_LENGTH;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return INVALID_LENGTH;
  }
  return length;
}
