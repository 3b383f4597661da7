import type { Fields } from '@quiclab/http-semantics';

export interface ResponseShape {
  /** What is special about it, with its section. */
  readonly name: string;
  /** Of the request; a GET where nothing is said. */
  readonly method?: string;
  /** One character for each octet. After them the server closes. */
  readonly octets: string;
  /** What the application gets of it: of a response that fails, nothing counts. */
  readonly gives:
    | 'failed'
    | {
        readonly status: number;
        readonly informational?: readonly number[];
        readonly fields?: Fields;
        readonly content?: string;
        readonly trailers?: Fields;
        /** The response is whole, but the connection is given up for what comes behind it. */
        readonly closed?: true;
      };
}

const ok = 'HTTP/1.1 200 OK\r\n';
const empty = 'Content-Length: 0\r\n\r\n';
const chunked = (body: string): string => `${ok}Transfer-Encoding: chunked\r\n\r\n${body}`;

export const RESPONSES: readonly ResponseShape[] = [
  // ---- well formed
  { name: 'a Content-Length (RFC 9112 §6.2)', octets: `${ok}Content-Length: 3\r\n\r\nabc`, gives: { status: 200, content: 'abc' } },
  {
    name: 'chunks and trailers (RFC 9112 §7.1)',
    octets: chunked('3\r\nabc\r\n0\r\nX: y\r\n\r\n'),
    gives: { status: 200, content: 'abc', trailers: [['x', 'y']] },
  },
  { name: 'no length: content until the connection ends (RFC 9112 §6.3)', octets: `${ok}\r\nabc`, gives: { status: 200, content: 'abc' } },
  { name: 'no length, and no content', octets: `${ok}\r\n`, gives: { status: 200 } },
  { name: 'HTTP/1.0 (RFC 9112 §9.3)', octets: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', gives: { status: 200, content: 'a' } },
  { name: 'no reason phrase (RFC 9112 §4)', octets: `HTTP/1.1 200 \r\n${empty}`, gives: { status: 200 } },
  { name: 'no reason phrase, and no space before it', octets: `HTTP/1.1 200\r\n${empty}`, gives: { status: 200 } },
  {
    name: 'a reason phrase of several words, tabs and octets above 7F (RFC 9112 §4)',
    octets: `HTTP/1.1 200 all\tis w\xf6ll\r\n${empty}`,
    gives: { status: 200 },
  },
  { name: 'a status that nobody knows (RFC 9110 §15)', octets: `HTTP/1.1 799 What\r\n${empty}`, gives: { status: 799 } },
  {
    name: 'informational responses (RFC 9110 §15.2)',
    octets: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}${empty}`,
    gives: { status: 200, informational: [100, 103] },
  },
  {
    name: 'an informational response with a Content-Length, which has no content (RFC 9112 §6.3)',
    octets: `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok}${empty}`,
    gives: { status: 200, informational: [103] },
  },
  {
    name: '204 with a Content-Length, which has no content (RFC 9112 §6.3)',
    octets: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    gives: { status: 204 },
  },
  {
    name: '304 with a Content-Length, which has no content (RFC 9112 §6.3)',
    octets: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    gives: { status: 304, fields: [['content-length', '5']] },
  },
  {
    name: 'the answer to HEAD (RFC 9112 §6.3)',
    method: 'HEAD',
    octets: `${ok}Content-Length: 5\r\n\r\n`,
    gives: { status: 200, fields: [['content-length', '5']] },
  },
  {
    name: 'the answer to HEAD with a transfer coding (RFC 9112 §6.1)',
    method: 'HEAD',
    octets: `${ok}Transfer-Encoding: chunked\r\n\r\n`,
    gives: { status: 200 },
  },
  {
    name: 'a field that is folded, which a client mends (RFC 9112 §5.2)',
    octets: `${ok}A: b\r\n \t c\r\n\td\r\n${empty}`,
    gives: {
      status: 200,
      fields: [
        ['a', 'b c d'],
        ['content-length', '0'],
      ],
    },
  },
  {
    name: 'a space before a colon, which a client takes away (RFC 9112 §5.1)',
    octets: `${ok}A : b\r\n${empty}`,
    gives: {
      status: 200,
      fields: [
        ['a', 'b'],
        ['content-length', '0'],
      ],
    },
  },
  {
    name: 'chunk extensions, which a client ignores (RFC 9112 §7.1.1)',
    octets: chunked('3;a=b;c="d e"\r\nabc\r\n0 ; f\r\n\r\n'),
    gives: { status: 200, content: 'abc' },
  },
  { name: 'an empty line before a response', octets: `\r\n${ok}${empty}`, gives: { status: 200 } },
  {
    name: 'fields that end at this hop (RFC 9110 §7.6.1)',
    octets: `${ok}Connection: x\r\nX: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: a\r\nY: 2\r\n${empty}`,
    gives: {
      status: 200,
      fields: [
        ['y', '2'],
        ['content-length', '0'],
      ],
    },
  },
  {
    name: 'octets that nobody asked for behind a response (RFC 9112 §9.2)',
    octets: `${ok}${empty}HTTP/1.1 200 OK\r\n${empty}`,
    gives: { status: 200, closed: true },
  },
  { name: 'an empty line behind a response (RFC 9112 §9.2)', octets: `${ok}${empty}\r\n`, gives: { status: 200 } },

  // ---- what a client does not take
  { name: 'nothing at all (RFC 9112 §8)', octets: '', gives: 'failed' },
  { name: 'half a status line (RFC 9112 §8)', octets: 'HTTP/1.1 2', gives: 'failed' },
  { name: 'half a head (RFC 9112 §8)', octets: `${ok}Content-Length: 3\r\n`, gives: 'failed' },
  { name: 'an informational response alone', octets: 'HTTP/1.1 100 Continue\r\n\r\n', gives: 'failed' },
  { name: 'less content than was said (RFC 9112 §8)', octets: `${ok}Content-Length: 4\r\n\r\nabc`, gives: 'failed' },
  { name: 'no last chunk (RFC 9112 §8)', octets: chunked('3\r\nabc\r\n'), gives: 'failed' },
  { name: 'a last chunk without the empty line (RFC 9112 §8)', octets: chunked('3\r\nabc\r\n0\r\n'), gives: 'failed' },
  {
    name: 'Content-Length and Transfer-Encoding (RFC 9112 §6.3)',
    octets: `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    gives: 'failed',
  },
  {
    name: 'two Content-Lengths that differ (RFC 9112 §6.3)',
    octets: `${ok}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    gives: 'failed',
  },
  { name: 'a Content-Length that is none (RFC 9112 §6.3)', octets: `${ok}Content-Length: 3x\r\n\r\nabc`, gives: 'failed' },
  { name: 'a transfer coding that we do not understand', octets: `${ok}Transfer-Encoding: gzip\r\n\r\nabc`, gives: 'failed' },
  {
    name: 'a transfer coding before chunked, which we did not ask for (RFC 9112 §7.4)',
    octets: `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    gives: 'failed',
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)',
    octets: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    gives: 'failed',
  },
  {
    name: '101 that nobody asked for (RFC 9110 §15.2.2)',
    octets: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    gives: 'failed',
  },
  { name: 'a status line that ends in LF alone', octets: `HTTP/1.1 200 OK\n${empty}`, gives: 'failed' },
  { name: 'a bare CR in a field value (RFC 9112 §2.2)', octets: `${ok}A: b\rc\r\n${empty}`, gives: 'failed' },
  { name: 'NUL in a field value (RFC 9110 §5.5)', octets: `${ok}A: b\0c\r\n${empty}`, gives: 'failed' },
  { name: 'a bare CR in a reason phrase', octets: `HTTP/1.1 200 O\rK\r\n${empty}`, gives: 'failed' },
  { name: 'white space between status line and fields (RFC 9112 §2.2)', octets: `${ok} A: b\r\n${empty}`, gives: 'failed' },
  { name: 'a field line without a colon', octets: `${ok}A\r\n${empty}`, gives: 'failed' },
  { name: 'a chunk size that is none', octets: chunked('x\r\nabc\r\n0\r\n\r\n'), gives: 'failed' },
  { name: 'a chunk longer than its size', octets: chunked('2\r\nabc\r\n0\r\n\r\n'), gives: 'failed' },
  { name: 'another major version (RFC 9110 §2.5)', octets: `HTTP/2.0 200 OK\r\n${empty}`, gives: 'failed' },
  { name: 'a server of something else', octets: 'SSH-2.0-OpenSSH_9.6\r\n', gives: 'failed' },
  { name: 'an answer without a head, as in HTTP/0.9', octets: '<html></html>', gives: 'failed' },
  ...[
    'HTTP/1.1 99 X',
    'HTTP/1.1 099 X',
    'HTTP/1.1 20 X',
    'HTTP/1.1 2000 X',
    'HTTP/1.1 2x0 X',
    'HTTP/1.1  200 X',
    'HTTP/1.1\t200 X',
    'HTTP/1.1 -20 X',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'http/1.1 200 X',
    ' HTTP/1.1 200 X',
    'HTTP/1.1 200X',
  ].map((line) => ({
    name: `a status line of '${line}' (RFC 9112 §4)`,
    octets: `${line}\r\n${empty}`,
    gives: 'failed' as const,
  })),
];
