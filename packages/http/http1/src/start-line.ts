import { isToken, parseStatus } from '@quiclab/http-semantics';
import { bad, MessageFault } from './errors.ts';
import { LIMITS } from './limits.ts';

/** The longest request line that we take. */
export const REQUEST_LINE = LIMITS.method.value + 1 + LIMITS.target.value + 1 + 'HTTP/1.1'.length;

export interface RequestLine {
  readonly method: string;
  readonly target: string;
  /** The minor version; 1 for any above, whose messages are to be taken as ours (RFC 9110 §2.5). */
  readonly minor: 0 | 1;
}

export interface StatusLine {
  readonly status: number;
  readonly minor: 0 | 1;
}

/** method SP request-target SP HTTP-version, with single spaces; what the target may be is judged when Host is there. RFC 9112 §3. */
export function parseRequestLine(line: string): RequestLine {
  const [first, last] = [line.indexOf(' '), line.lastIndexOf(' ')];
  const method = first < 0 ? line : line.slice(0, first);
  if (!isToken(method)) throw bad('a request line without a method');
  if (method.length > LIMITS.method.value) throw new MessageFault(501, `a method of ${method.length} octets`);
  if (first === last) throw bad('a request line without target or version');
  const target = line.slice(first + 1, last);
  if (target.length > LIMITS.target.value) throw new MessageFault(414, `a request target of ${target.length} octets`);
  return { method, target, minor: parseVersion(line.slice(last + 1)) };
}

/** What is wrong with a request line that is longer than any that we take: its method, or its target. RFC 9112 §3. */
export function tooLong(line: string): MessageFault {
  const space = line.indexOf(' ');
  const method = space < 0 ? line : line.slice(0, space);
  if (!isToken(method)) return bad('a request line without a method');
  return method.length > LIMITS.method.value
    ? new MessageFault(501, 'a method too long')
    : new MessageFault(414, 'a request target too long');
}

/** HTTP-version SP status-code SP [reason-phrase]. RFC 9112 §4; also without the last space, as many servers have it. */
export function parseStatusLine(line: string): StatusLine {
  const space = line.indexOf(' ');
  if (space < 0) throw bad('a status line without a status');
  const minor = parseVersion(line.slice(0, space));
  const status = parseStatus(line.slice(space + 1, space + 4));
  if (status < 0 || (line.length > space + 4 && line[space + 4] !== ' ')) throw bad('a status line without a status');
  return { status, minor };
}

/** What an application is told of a message's version: 1.0, or nothing. */
export const versionOf = (minor: 0 | 1): { readonly version?: '1.0' } => (minor === 0 ? { version: '1.0' } : {});

/** RFC 9112 §2.3, RFC 9110 §2.5. */
function parseVersion(text: string): 0 | 1 {
  if (!/^HTTP\/\d\.\d$/.test(text)) throw bad('no HTTP version where one belongs');
  if (text[5] !== '1') throw new MessageFault(505, `HTTP/${text.slice(5)} is not spoken here`);
  return text[7] === '0' ? 0 : 1;
}
