import { latin1 } from '@quiclab/bytes';
import type { Fields } from '@quiclab/http-semantics';

/** Phrases for people who read along. RFC 9110 §15; clients ignore them (RFC 9112 §4). */
const PHRASES: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  411: 'Length Required',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** RFC 9112 §3. */
export const requestHead = (method: string, target: string, fields: Fields): Uint8Array =>
  latin1(`${method} ${target} HTTP/1.1\r\n${section(fields)}`);

/** RFC 9112 §4: the space after the status is there whether a phrase follows or not. */
export const responseHead = (status: number, fields: Fields): Uint8Array =>
  latin1(`HTTP/1.1 ${status} ${PHRASES[status] ?? ''}\r\n${section(fields)}`);

/** RFC 9112 §5: lines, and the empty one at their end. Pseudo-header fields are not among them. */
function section(fields: Fields): string {
  let text = '';
  for (const [name, value] of fields) if (name.charCodeAt(0) !== 0x3a) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/** Octets that begin a chunk of this size. */
export const chunkHeaderLength = (size: number): number => size.toString(16).length + 2;

/** A chunk in octets of its own. RFC 9112 §7.1. */
export function chunk(data: Uint8Array): Uint8Array {
  const header = latin1(`${data.length.toString(16)}\r\n`);
  const octets = new Uint8Array(header.length + data.length + 2);
  octets.set(header);
  octets.set(data, header.length);
  octets[octets.length - 2] = 0x0d;
  octets[octets.length - 1] = 0x0a;
  return octets;
}

/** What ends chunked content. RFC 9112 §7.1.2. */
export const lastChunk = (trailers: Fields): Uint8Array => latin1(`0\r\n${section(trailers)}`);
