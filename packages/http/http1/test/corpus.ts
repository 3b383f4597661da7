import type { Fields } from '@quiclab/http-semantics';

/** What becomes of one request: its start as the application sees it, and its content; or the status that answers it. */
export type Verdict =
  | number
  | { readonly request: string; readonly content?: string; readonly fields?: Fields; readonly trailers?: Fields };

export interface Shape {
  /** What is special about it, with its section. */
  readonly name: string;
  /** One character for each octet. After them the client has nothing more to say. */
  readonly octets: string;
  /** In order; after a status the server closes. */
  readonly gives: readonly Verdict[];
}

const host = 'Host: a\r\n';
const next = `GET /next HTTP/1.1\r\n${host}\r\n`;
const root = { request: 'GET http://a/' };
const also = { request: 'GET http://a/next' };
const post = (content: string) => ({ request: 'POST http://a/', content });
/** A request with these field lines. */
const get = (lines: string, target = '/'): string => `GET ${target} HTTP/1.1\r\n${host}${lines}\r\n`;
/** A chunked request with this body, and another behind it. */
const chunked = (body: string, more = ''): string => `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n${more}\r\n${body}${next}`;
/** A request with these field lines and this body, and another behind it. */
const withBody = (lines: string, body: string): string => `POST / HTTP/1.1\r\n${host}${lines}\r\n${body}${next}`;

export const SHAPES: readonly Shape[] = [
  // ---- well formed
  { name: 'a request', octets: get(''), gives: [root] },
  { name: 'two, one behind the other (RFC 9112 §9.3.2)', octets: get('') + next, gives: [root, also] },
  { name: 'a Content-Length (RFC 9112 §6.2)', octets: withBody('Content-Length: 3\r\n', 'abc'), gives: [post('abc'), also] },
  { name: 'a Content-Length of 0', octets: withBody('Content-Length: 0\r\n', ''), gives: [{ request: 'POST http://a/' }, also] },
  { name: 'zeros before a Content-Length', octets: withBody('Content-Length: 0003\r\n', 'abc'), gives: [post('abc'), also] },
  { name: 'chunks (RFC 9112 §7.1)', octets: chunked('3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n'), gives: [post('abc0123456789'), also] },
  { name: 'no chunk but the last', octets: chunked('0\r\n\r\n'), gives: [post(''), also] },
  {
    name: 'hexadecimal digits of both cases',
    octets: chunked('a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n'),
    gives: [post('01234567890123456789a'), also],
  },
  {
    name: 'trailers (RFC 9112 §7.1.2)',
    octets: chunked('1\r\na\r\n0\r\nX-Sum: 1\r\nConnection: x-b\r\nX-B: 2\r\n\r\n'),
    gives: [{ ...post('a'), trailers: [['x-sum', '1']] }, also],
  },
  ...['Content-Length: 7', 'Transfer-Encoding: chunked', 'Host: b'].map((line) => ({
    name: `'${line}' as a trailer (RFC 9110 §6.5.1)`,
    octets: chunked(`1\r\na\r\n0\r\n${line}\r\n\r\n`),
    gives: [400],
  })),
  {
    name: 'a transfer coding in another case (RFC 9112 §7)',
    octets: withBody('Transfer-Encoding: Chunked\r\n', '1\r\na\r\n0\r\n\r\n'),
    gives: [post('a'), also],
  },
  {
    name: 'no white space after the colon, and much of it on both sides (RFC 9112 §5.1)',
    octets: get('A:b\r\nC: \t d e \t \r\n'),
    gives: [
      {
        ...root,
        fields: [
          ['a', 'b'],
          ['c', 'd e'],
        ],
      },
    ],
  },
  {
    name: 'an empty field value (RFC 9110 §5.5)',
    octets: get('A:\r\nB:  \r\n'),
    gives: [
      {
        ...root,
        fields: [
          ['a', ''],
          ['b', ''],
        ],
      },
    ],
  },
  { name: 'octets above 7F in a value (RFC 9110 §5.5)', octets: get('A: \xe4\xff\r\n'), gives: [{ ...root, fields: [['a', '\xe4\xff']] }] },
  { name: 'an empty line before each of two requests (RFC 9112 §2.2)', octets: `\r\n${get('')}\r\n${next}`, gives: [root, also] },
  { name: 'an empty line before a request (RFC 9112 §2.2)', octets: `\r\n${get('')}`, gives: [root] },
  {
    name: 'an empty line between two requests (RFC 9112 §2.2)',
    octets: `${withBody('Content-Length: 1\r\n', 'a\r\n')}`,
    gives: [post('a'), also],
  },
  { name: 'a query', octets: get('', '/a?b=c&d=%20'), gives: [{ request: 'GET http://a/a?b=c&d=%20' }] },
  {
    name: 'a Host with a port, and an address for a Host (RFC 9110 §7.2)',
    octets: 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n',
    gives: [{ request: 'GET http://[::1]:80/' }],
  },
  {
    name: 'the absolute-form, whose authority counts and not Host (RFC 9112 §3.2.2)',
    octets: get('', 'http://b:8/c?d'),
    gives: [{ request: 'GET http://b:8/c?d' }],
  },
  { name: 'the absolute-form with another scheme in capitals', octets: get('', 'HTTPS://b/c'), gives: [{ request: 'GET https://b/c' }] },
  { name: 'the absolute-form without a path (RFC 9112 §3.2.1)', octets: get('', 'http://b?c'), gives: [{ request: 'GET http://b/?c' }] },
  {
    name: 'OPTIONS in absolute-form without a path (RFC 9112 §3.2.4)',
    octets: 'OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n',
    gives: [{ request: 'OPTIONS http://b*' }],
  },
  { name: 'the asterisk-form (RFC 9112 §3.2.4)', octets: `OPTIONS * HTTP/1.1\r\n${host}\r\n`, gives: [{ request: 'OPTIONS http://a*' }] },
  {
    name: 'a method that nobody knows',
    octets: `BREW / HTTP/1.1\r\n${host}\r\n`,
    gives: [{ request: 'BREW http://a/' }],
  },
  {
    name: 'a method in lower case, which is another method (RFC 9110 §9.1)',
    octets: `get / HTTP/1.1\r\n${host}\r\n`,
    gives: [{ request: 'get http://a/' }],
  },
  {
    name: 'a minor version above ours (RFC 9110 §2.5)',
    octets: `GET / HTTP/1.9\r\n${host}\r\n`,
    gives: [root],
  },
  {
    name: 'a request with `close`, and another behind it, which is not read (RFC 9112 §9.6)',
    octets: get('Connection: close\r\n') + next,
    gives: [root],
  },
  { name: 'HTTP/1.0 (RFC 9112 §9.3)', octets: `GET / HTTP/1.0\r\n${host}\r\n${next}`, gives: [root] },
  { name: 'HTTP/1.0 without a Host', octets: 'GET / HTTP/1.0\r\n\r\n', gives: [{ request: 'GET http:///' }] },
  {
    name: 'HTTP/1.0 that asks for keep-alive, which a proxy must not give (RFC 9112 §9.3)',
    octets: `GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n${next}`,
    gives: [root],
  },
  {
    name: 'fields that end at this hop (RFC 9110 §7.6.1)',
    octets: get('Connection: x, Keep-Alive\r\nX: 1\r\nKeep-Alive: 5\r\nY: 2\r\nTE: gzip\r\nUpgrade: h2c\r\n'),
    gives: [{ ...root, fields: [['y', '2']] }],
  },
  {
    name: 'a Connection that names what is not its own',
    octets: `POST / HTTP/1.1\r\n${host}Connection: host, content-length\r\nContent-Length: 1\r\n\r\na`,
    gives: [{ ...post('a'), fields: [['content-length', '1']] }],
  },
  {
    name: '`TE: trailers`, which all versions have (RFC 9110 §10.1.4)',
    octets: get('TE: deflate, Trailers\r\nConnection: TE\r\n'),
    gives: [{ ...root, fields: [['te', 'trailers']] }],
  },

  // ---- where a message ends (RFC 9112 §6, §11.2)
  {
    name: 'two Content-Lengths that differ (RFC 9112 §6.3, §11.2)',
    octets: withBody('Content-Length: 3\r\nContent-Length: 4\r\n', 'abc'),
    gives: [400],
  },
  {
    name: 'two Content-Lengths that agree (RFC 9110 §8.6 leaves it open)',
    octets: withBody('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'),
    gives: [400],
  },
  { name: 'a list of Content-Lengths', octets: withBody('Content-Length: 3, 3\r\n', 'abc'), gives: [400] },
  ...[
    '+3',
    '-3',
    '3 ',
    '0x3',
    '3.0',
    '3_0',
    '',
    '٣',
    '3 0',
    '3;',
    '1e1',
    '9007199254740992',
    '18446744073709551619',
    '99999999999999999999999',
  ].map((value) =>
    value === '3 '
      ? {
          name: 'a Content-Length with white space after it',
          octets: withBody('Content-Length: 3 \r\n', 'abc'),
          gives: [post('abc'), also],
        }
      : {
          name: `a Content-Length of '${value}'`,
          octets: withBody(`Content-Length: ${[...value].map((c) => (c === '٣' ? '\xd9\xa3' : c)).join('')}\r\n`, 'abc'),
          gives: [400],
        },
  ),
  {
    name: 'Content-Length before Transfer-Encoding (RFC 9112 §6.3)',
    octets: withBody('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'Transfer-Encoding before Content-Length (RFC 9112 §6.3)',
    octets: withBody('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'Transfer-Encoding with a Content-Length of 0',
    octets: withBody('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)',
    octets: `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    gives: [400],
  },
  ...[
    'identity',
    'gzip',
    'chunked, identity',
    'chunked, gzip',
    'chunked, chunked',
    'chunked;q=1',
    'xchunked',
    'chunkedx',
    '"chunked"',
    'chunked,',
    ', chunked',
    '',
    'chunked, ',
    'ch\xfanked',
    'chunked x',
  ].map((value) => ({
    name: `a Transfer-Encoding of '${value}' (RFC 9112 §6.1, §6.3)`,
    octets: withBody(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'),
    gives: [400],
  })),
  {
    name: 'two Transfer-Encodings, chunked twice',
    octets: withBody('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'two Transfer-Encodings, the last of them not chunked',
    octets: withBody('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'a transfer coding that we do not understand (RFC 9112 §6.1)',
    octets: withBody('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
    gives: [501],
  },
  {
    name: 'the same in two lines',
    octets: withBody('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    gives: [501],
  },
  {
    name: 'Transfer-Encoding, and a vertical tab before its value',
    octets: withBody('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'a space before the colon of Transfer-Encoding (RFC 9112 §5.1)',
    octets: withBody('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'an underscore in place of a hyphen is another field',
    octets: withBody('Content_Length: 3\r\n', ''),
    gives: [{ request: 'POST http://a/', fields: [['content_length', '3']] }, also],
  },
  {
    name: 'content in a GET (RFC 9112 §6)',
    octets: `GET / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc${next}`,
    gives: [{ ...root, content: 'abc' }, also],
  },
  {
    name: 'a request within the content that nobody announced',
    octets: `POST / HTTP/1.1\r\n${host}\r\n${next}`,
    gives: [{ request: 'POST http://a/' }, also],
  },
  { name: 'content that is shorter than was said', octets: `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nabc`, gives: [400] },

  // ---- chunks (RFC 9112 §7.1)
  ...[
    '',
    'g',
    '0x3',
    '+3',
    '-3',
    ' 3',
    '3 ',
    '3_0',
    '3,',
    '3.',
    '\t3',
    '3\x0b',
    '0x',
    'fffffffffffffffff',
    '20000000000000',
    'ffffffffffffffff',
    '10000000000000003',
    '00000000000000003',
  ].map((size) => ({
    name: `a chunk size of '${size}'`,
    octets: chunked(`${size}\r\nabc\r\n0\r\n\r\n`),
    gives: [400],
  })),
  { name: 'a chunk size of 2^53 - 1, whose chunk does not come', octets: chunked('1fffffffffffff\r\nabc'), gives: [400] },
  {
    name: 'a chunk extension (RFC 9112 §7.1.1)',
    octets: chunked('3;a=b\r\nabc\r\n0\r\n\r\n'),
    gives: [400],
  },
  {
    name: 'a chunk extension of the last chunk',
    octets: chunked('3\r\nabc\r\n0;a\r\n\r\n'),
    gives: [400],
  },
  { name: 'a chunk extension with a bare LF in it', octets: chunked('3;a\nabc\r\n0\r\n\r\n'), gives: [400] },
  { name: 'a semicolon without an extension', octets: chunked('3;\r\nabc\r\n0\r\n\r\n'), gives: [400] },
  { name: 'a chunk without the CRLF behind it', octets: chunked('3\r\nabc0\r\n\r\n'), gives: [400] },
  { name: 'a chunk with LF alone behind it', octets: chunked('3\r\nabc\n0\r\n\r\n'), gives: [400] },
  { name: 'a chunk with CR alone behind it', octets: chunked('3\r\nabc\r0\r\n\r\n'), gives: [400] },
  { name: 'a chunk longer than its size', octets: chunked('3\r\nabcd\r\n0\r\n\r\n'), gives: [400] },
  { name: 'a chunk shorter than its size', octets: chunked('4\r\nabc\r\n0\r\n\r\n'), gives: [400] },
  { name: 'a chunk size that ends in LF alone', octets: chunked('3\nabc\r\n0\r\n\r\n'), gives: [400] },
  { name: 'two chunk sizes in a line', octets: chunked('3 0\r\nabc\r\n0\r\n\r\n'), gives: [400] },
  {
    name: 'a last chunk without the empty line',
    octets: `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n`,
    gives: [400],
  },
  { name: 'a trailer line that is none', octets: chunked('1\r\na\r\n0\r\nno colon\r\n\r\n'), gives: [400] },
  { name: 'white space before a trailer line', octets: chunked('1\r\na\r\n0\r\nx: 1\r\n y\r\n\r\n'), gives: [400] },

  // ---- lines (RFC 9112 §2.2, §5)
  { name: 'a request line that ends in LF alone', octets: `GET / HTTP/1.1\n${host}\r\n`, gives: [400] },
  { name: 'a field line that ends in LF alone', octets: get('A: b\nC: d\r\n'), gives: [400] },
  { name: 'a head that ends in LF alone', octets: `GET / HTTP/1.1\r\n${host}\n`, gives: [400] },
  { name: 'only LFs', octets: 'GET / HTTP/1.1\nHost: a\n\n', gives: [400] },
  { name: 'a bare CR in a field value', octets: get('A: b\rc\r\n'), gives: [400] },
  { name: 'a bare CR before a request', octets: `\r${get('')}`, gives: [400] },
  { name: 'a bare CR in a request line', octets: `GET /\rHTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'a bare CR that hides a field', octets: get('A: b\rTransfer-Encoding: chunked\r\n'), gives: [400] },
  { name: 'CR CR LF', octets: get('A: b\r\r\n'), gives: [400] },
  { name: 'NUL in a field value', octets: get('A: b\0c\r\n'), gives: [400] },
  { name: 'NUL in a field name', octets: get('A\0: b\r\n'), gives: [400] },
  { name: 'NUL in a request line', octets: get('', '/\0'), gives: [400] },
  { name: 'a control in a field value (RFC 9110 §5.5)', octets: get('A: b\x01c\r\n'), gives: [400] },
  { name: 'DEL in a field value (RFC 9110 §5.5)', octets: get('A: b\x7fc\r\n'), gives: [400] },
  { name: 'a vertical tab in a field value', octets: get('A: \x0bb\r\n'), gives: [400] },
  { name: 'a field that is folded (RFC 9112 §5.2)', octets: get('A: b\r\n c\r\n'), gives: [400] },
  { name: 'a fold of white space alone', octets: get('A: b\r\n \r\nC: d\r\n'), gives: [400] },
  { name: 'a Transfer-Encoding that is folded', octets: withBody('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n'), gives: [400] },
  { name: 'white space between request line and fields (RFC 9112 §2.2)', octets: `GET / HTTP/1.1\r\n ${host}\r\n`, gives: [400] },
  { name: 'a space before a colon (RFC 9112 §5.1)', octets: get('A : b\r\n'), gives: [400] },
  { name: 'a tab before a colon (RFC 9112 §5.1)', octets: get('A\t: b\r\n'), gives: [400] },
  { name: 'a field line without a colon', octets: get('A\r\n'), gives: [400] },
  { name: 'a field line without a name', octets: get(': b\r\n'), gives: [400] },
  { name: 'a space within a field name', octets: get('A B: c\r\n'), gives: [400] },
  ...['"', '(', ')', ',', '/', ';', '<', '=', '>', '?', '@', '[', '\\', ']', '{', '}', '\xe9', '\x7f'].map((character) => ({
    name: `'${character}' in a field name (RFC 9110 §5.6.2)`,
    octets: get(`A${character}: b\r\n`),
    gives: [400],
  })),
  {
    name: 'two empty lines before a request',
    octets: `\r\n\r\n${get('')}`,
    gives: [400],
  },

  // ---- the request line (RFC 9112 §3)
  { name: 'two spaces before the target', octets: `GET  / HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'two spaces behind the target', octets: `GET /  HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'a space behind the version', octets: `GET / HTTP/1.1 \r\n${host}\r\n`, gives: [400] },
  { name: 'a space before the method', octets: ` GET / HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'tabs in place of spaces', octets: `GET\t/\tHTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'a tab in the target', octets: get('', '/a\tb'), gives: [400] },
  { name: 'a space in the target', octets: get('', '/a b'), gives: [400] },
  { name: 'no target', octets: `GET HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'no version, as in HTTP/0.9', octets: 'GET /\r\n\r\n', gives: [400] },
  { name: 'nothing but a method', octets: 'GET\r\n\r\n', gives: [400] },
  { name: 'a method that is no token', octets: `G(T / HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'a version in lower case (RFC 9112 §2.3)', octets: `GET / http/1.1\r\n${host}\r\n`, gives: [400] },
  ...[
    'HTTP/1',
    'HTTP/1.',
    'HTTP/.1',
    'HTTP/11',
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/1,1',
    'HTTP/1.1x',
    'HTP/1.1',
    'HTTP1.1',
    'HTTP/1.\xb2',
    'SIP/2.0',
    'ICE/1.0',
  ].map((version) => ({
    name: `a version of '${version}' (RFC 9112 §2.3)`,
    octets: `GET / ${version}\r\n${host}\r\n`,
    gives: [400],
  })),
  ...['HTTP/0.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/9.9'].map((version) => ({
    name: `a version of '${version}' (RFC 9110 §15.6.6)`,
    octets: `GET / ${version}\r\n${host}\r\n`,
    gives: [505],
  })),
  { name: 'the preface of HTTP/2', octets: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', gives: [505] },
  { name: 'the ClientHello of TLS', octets: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', gives: [400] },
  { name: 'a response', octets: 'HTTP/1.1 200 OK\r\n\r\n', gives: [400] },
  {
    name: 'a target without a slash',
    octets: get('', 'a'),
    gives: [400],
  },
  { name: 'a fragment in the target', octets: get('', '/a#b'), gives: [400] },
  {
    name: 'octets above 7F in the target',
    octets: get('', '/\xe4'),
    gives: [400],
  },
  { name: 'the absolute-form of another scheme', octets: get('', 'ftp://b/'), gives: [400] },
  { name: 'the absolute-form without an authority (RFC 9110 §4.2.1)', octets: get('', 'http:///c'), gives: [400] },
  { name: 'user information in the target (RFC 9110 §4.2.4)', octets: get('', 'http://u:p@b/'), gives: [400] },
  { name: 'the asterisk-form with another method (RFC 9112 §3.2.4)', octets: get('', '*'), gives: [400] },
  { name: 'the authority-form with another method (RFC 9112 §3.2.3)', octets: get('', 'b:80'), gives: [400] },
  { name: 'CONNECT in origin-form (RFC 9112 §3.2.3)', octets: `CONNECT / HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'CONNECT without a port (RFC 9110 §9.3.6)', octets: `CONNECT b HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'CONNECT in absolute-form', octets: `CONNECT http://b:80 HTTP/1.1\r\n${host}\r\n`, gives: [400] },
  { name: 'CONNECT with content (RFC 9110 §9.3.6)', octets: `CONNECT b:80 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`, gives: [400] },

  // ---- Host (RFC 9112 §3.2, RFC 9110 §7.2)
  { name: 'no Host', octets: 'GET / HTTP/1.1\r\n\r\n', gives: [400] },
  { name: 'two Hosts that differ', octets: get('Host: b\r\n'), gives: [400] },
  { name: 'two Hosts that agree', octets: get('Host: a\r\n'), gives: [400] },
  { name: 'two Hosts in absolute-form', octets: get('Host: b\r\n', 'http://c/'), gives: [400] },
  { name: 'the absolute-form without a Host', octets: 'GET http://b/ HTTP/1.1\r\n\r\n', gives: [400] },
  ...['', 'a b', 'a/b', 'a@b', 'http://a', 'a:b', 'a:80:80', 'a, b', '[::1', 'a:999999', 'a%', 'a?b', 'a\\b', '\xe4'].map((value) => ({
    name: `a Host of '${value}'`,
    octets: `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`,
    gives: [400],
  })),
  { name: 'a Host with a space before its colon', octets: 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', gives: [400] },
];
