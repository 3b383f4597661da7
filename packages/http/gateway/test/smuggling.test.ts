import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type GatewayServer, startGateway } from '@quiclab/gateway/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHAPES } from '../../http1/test/corpus.ts';

/** An origin that keeps every octet that comes to it, and says nothing. */
class Origin {
  heard = '';
  connections = 0;
  readonly #server = createServer((socket) => {
    this.connections++;
    socket
      .on('error', () => {})
      .on('data', (octets) => {
        this.heard += octets.toString('latin1');
      });
  });

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

let origin: Origin;
let gateway: GatewayServer;
beforeAll(async () => {
  origin = new Origin();
  gateway = await startGateway({ origin: await origin.listen(), clearPort: 0, listen: ['h1'] });
});
afterAll(async () => {
  await gateway.close(0);
  origin.close();
});

/** Says these octets, ends, and hears all that comes back. */
async function say(octets: string, secure: boolean, to = gateway): Promise<{ statuses: number[]; heard: string }> {
  const { host, port } = secure ? to.address! : to.clearAddress!;
  const options = { host, port, allowHalfOpen: true };
  const socket = secure ? tlsConnect({ ...options, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }) : tcpConnect(options);
  await once(socket, secure ? 'secureConnect' : 'connect');
  socket.end(Buffer.from(octets, 'latin1'));
  let heard = '';
  for await (const piece of socket) heard += String(piece);
  return {
    statuses: [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])),
    heard,
  };
}

const head = (...lines: string[]): string => ['POST /smuggle HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
const inside = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** The shapes that are public: papers, tools and advisories on request smuggling. All of them are to be refused, and to go no further. */
const PUBLIC: readonly (readonly [name: string, octets: string])[] = [
  ['CL.TE: both lengths', `${head('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`],
  ['TE.CL: both lengths, the other way round', `${head('Transfer-Encoding: chunked', 'Content-Length: 4')}24\r\n${inside}\r\n0\r\n\r\n`],
  ['CL.CL: two lengths that differ', `${head('Content-Length: 0', `Content-Length: ${inside.length}`)}${inside}`],
  ['CL.CL: two lengths that agree', `${head('Content-Length: 3', 'Content-Length: 3')}abc`],
  ['CL.CL: a list of lengths', `${head('Content-Length: 3, 3')}abc`],
  ['a length with a sign', `${head('Content-Length: +3')}abc`],
  ['a length in hexadecimal', `${head('Content-Length: 0x3')}abc`],
  ['a length with white space in it', `${head('Content-Length: 1 3')}abc`],
  ['a length that is empty', `${head('Content-Length: ')}${inside}`],
  ['TE.TE: chunked twice', `${head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n${inside}`],
  ['TE.TE: a second coding that is none', `${head('Transfer-Encoding: chunked', 'Transfer-Encoding: cow')}0\r\n\r\n${inside}`],
  ['TE.TE: chunked, and then identity', `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${inside}`],
  ['Transfer-Encoding: xchunked', `${head('Transfer-Encoding: xchunked')}0\r\n\r\n${inside}`],
  ['Transfer-Encoding: identity', `${head('Transfer-Encoding: identity')}${inside}`],
  ['chunked with a vertical tab before it', `${head('Transfer-Encoding: \x0bchunked')}0\r\n\r\n${inside}`],
  ['chunked in quotes', `${head('Transfer-Encoding: "chunked"')}0\r\n\r\n${inside}`],
  ['a space before the colon', `${head('Transfer-Encoding : chunked')}0\r\n\r\n${inside}`],
  ['a tab before the colon', `${head('Content-Length\t: 3')}abc`],
  ['a space before the colon of any field', `${head('X : y', 'Content-Length: 3')}abc`],
  ['a space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
  ['obs-fold in Transfer-Encoding', `${head('Transfer-Encoding:', ' chunked')}0\r\n\r\n${inside}`],
  ['obs-fold of any field', `${head('X: a', '\tb', 'Content-Length: 3')}abc`],
  ['a bare CR in a field', `${head('X: a\rTransfer-Encoding: chunked')}0\r\n\r\n${inside}`],
  ['a bare CR at the end of a field', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n'],
  ['a bare LF at the end of a field', 'POST / HTTP/1.1\r\nHost: a\nContent-Length: 3\r\n\r\nabc'],
  ['a bare LF at the end of the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['a bare LF at the end of the head', 'GET / HTTP/1.1\r\nHost: a\r\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a NUL in a field', `${head('X: a\x00b', 'Content-Length: 3')}abc`],
  ['a chunk extension', `${head('Transfer-Encoding: chunked')}3;a=b\r\nabc\r\n0\r\n\r\n`],
  ['a chunk extension that ends in LF', `${head('Transfer-Encoding: chunked')}2;\nxx\r\n4c\r\n0\r\n\r\n${inside}`],
  ['a chunk size that ends in LF', `${head('Transfer-Encoding: chunked')}3\nabc\r\n0\r\n\r\n`],
  ['a chunk that ends in LF', `${head('Transfer-Encoding: chunked')}3\r\nabc\n0\r\n\r\n`],
  ['a chunk that is longer than it says', `${head('Transfer-Encoding: chunked')}3\r\nabcdef\r\n0\r\n\r\n`],
  ['a chunk size with a sign', `${head('Transfer-Encoding: chunked')}+3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with 0x', `${head('Transfer-Encoding: chunked')}0x3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size that overflows 64 bits', `${head('Transfer-Encoding: chunked')}10000000000000003\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with white space', `${head('Transfer-Encoding: chunked')}3 \r\nabc\r\n0\r\n\r\n`],
  ['a second chunk that is wrong', `${head('Transfer-Encoding: chunked')}3\r\nabc\r\n3;x\r\nabc\r\n0\r\n\r\n`],
  ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two fields Host', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  ['a request target with a space', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a request line of two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
  ['a field name that is none', 'GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n'],
];

describe.each([
  ['clear text', false],
  ['TLS', true],
] as const)('request smuggling over %s (RFC 9112 §11.2)', (_name, secure) => {
  test.each(PUBLIC)('%s: 400, and nothing of it reaches the origin', async (_shape, octets) => {
    const { statuses, heard } = await say(octets, secure);
    expect([statuses, origin.heard, origin.connections]).toEqual([[400], '', 0]);
    expect(heard).toMatch(/\r\nconnection: close\r\n/i);
  });
});

test("two hundred shapes: Node's server behind the gateway is asked for what is a request, and for nothing else", async () => {
  const asked: string[] = [];
  const broken: string[] = [];
  const server = createHttpServer((request, response) => {
    let content = '';
    request.on('error', () => {}); // the gateway has broken it off
    request.on('data', (piece) => (content += piece));
    request.on('end', () => {
      asked.push(`${request.method} ${request.headers.host}${request.url} ${content}`);
      response.end('ok');
    });
  });
  server.on('clientError', (error, socket) => {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') broken.push(error.message);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const other = await startGateway({ origin: `http://${authority}`, clearPort: 0, listen: ['h1'] });
  try {
    for (const { name, octets, gives } of SHAPES) {
      asked.length = 0;
      const { statuses } = await say(octets, false, other);
      const refused = gives.filter((verdict) => typeof verdict === 'number');
      const requests = gives.flatMap((verdict) => (typeof verdict === 'object' ? [verdict] : []));
      const carried = requests.filter(({ request }) => !/^(CONNECT|BREW|get) /.test(request)); // no tunnels; and Node takes no other methods
      const answered = statuses.filter((status) => status === 200).length;
      expect([name, statuses.at(-1), answered]).toEqual([name, refused[0] ?? statuses.at(-1), carried.length]);
      const wanted = carried.map(
        ({ request, content = '' }) =>
          `${request.replace(/^(\S+) \w+:\/\/(?=\/)/, `$1 ${authority}`).replace(/ \w+:\/\//, ' ')} ${content}`,
      );
      expect([name, asked.toSorted()]).toEqual([name, wanted.toSorted()]);
    }
    expect(broken).toEqual(Array(2).fill('Parse Error: Invalid method encountered')); // BREW and get
  } finally {
    await other.close(0);
    server.close();
  }
});
