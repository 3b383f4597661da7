import { contentLength, type Fields, fieldValues, INVALID_LENGTH, NO_LENGTH, neverHasContent } from '@quiclab/http-semantics';
import { bad, MessageFault } from './errors.ts';

/** How a message's content is delimited. RFC 9112 §6.3. */
export type FramingKind = 'none' | 'length' | 'chunked' | 'until-close' | 'tunnel';

export interface Framing {
  readonly kind: FramingKind;
  /** With 'length': more than 0. */
  readonly length: number;
}

export const NO_CONTENT: Framing = { kind: 'none', length: 0 };
export const CHUNKED: Framing = { kind: 'chunked', length: -1 };
export const UNTIL_CLOSE: Framing = { kind: 'until-close', length: -1 };
export const TUNNEL: Framing = { kind: 'tunnel', length: -1 };

/** RFC 9112 §6.1, §6.2, §6.3: whatever two recipients could understand differently is refused. */
export function requestFraming(fields: Fields, minor: 0 | 1): Framing {
  return declared(fields, minor) ?? NO_CONTENT;
}

/** @param switches  whether a 101 may come */
export function responseFraming(method: string, switches: boolean, status: number, fields: Fields, minor: 0 | 1): Framing {
  if (status === 101) {
    if (!switches) throw bad('101 without having been asked to switch protocols'); // RFC 9110 §15.2.2
    return TUNNEL;
  }
  if (method === 'CONNECT' && status >= 200 && status < 300) return TUNNEL; // RFC 9112 §6.3: whatever the fields say
  if (neverHasContent(method, status)) return NO_CONTENT;
  return declared(fields, minor) ?? UNTIL_CLOSE;
}

function declared(fields: Fields, minor: 0 | 1): Framing | undefined {
  const codings = fieldValues(fields, 'transfer-encoding');
  const length = contentLength(fields);
  if (codings.length > 0) {
    if (minor === 0) throw bad('Transfer-Encoding in HTTP/1.0');
    if (length !== NO_LENGTH) throw bad('both Transfer-Encoding and Content-Length');
    judgeCodings(codings.join(','));
    return CHUNKED;
  }
  if (length === INVALID_LENGTH) throw bad('a Content-Length that is none, or more than one');
  if (length === NO_LENGTH) return undefined;
  return length === 0 ? NO_CONTENT : { kind: 'length', length };
}

/** RFC 9112 §6.1, §7: chunked, once and last; what is applied before it, nobody here takes off again. */
function judgeCodings(value: string): void {
  const codings = value.split(',').map((coding) => coding.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
  if (codings.at(-1) !== 'chunked' || codings.indexOf('chunked') < codings.length - 1)
    throw bad('a Transfer-Encoding that does not end in chunked, once');
  if (codings.some((coding) => coding === '')) throw bad('an empty transfer coding');
  if (codings.length > 1) throw new MessageFault(501, 'a transfer coding beside chunked');
}
