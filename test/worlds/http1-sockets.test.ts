import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect as tcp } from 'node:net';
import { promisify } from 'node:util';
import type { Listener } from '@quiclab/net';
import { afterEach, describe, expect, test } from 'vitest';
import { listen, SocketClient, text } from './http1-sockets.ts';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function nodeServer(
  listener: RequestListener,
  set: (server: Server) => void = () => {},
): Promise<{ server: Server; port: number; connections: () => number }> {
  const server = createServer(listener);
  set(server);
  let connections = 0;
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port, connections: () => connections };
}

async function client(port: number, options: Parameters<typeof SocketClient.open>[1] = {}): Promise<SocketClient> {
  const made = await SocketClient.open(port, options);
  closing.push(() => made.close());
  return made;
}

async function ourServer(options: Parameters<typeof listen>[0] = {}): Promise<{ listener: Listener; port: number }> {
  const listener = await listen(options);
  closing.push(() => listener.close());
  return { listener, port: listener.address.port };
}

const collect = async (message: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
};

describe("our client at Node's server", () => {
  test('content of known length, chunked with trailers, HEAD, 304, on one connection', async () => {
    const { port, connections } = await nodeServer((asked, response) => {
      if (asked.url === '/length') response.setHeader('content-length', 5).end('hello');
      else if (asked.url === '/304') response.writeHead(304, { etag: '"x"' }).end();
      else {
        response.setHeader('trailer', 'x-sum');
        response.write('one ');
        setImmediate(() => {
          response.write('two');
          response.addTrailers({ 'x-sum': '7' });
          response.end();
        });
      }
    });
    const http = await client(port);
    const plain = await http.ask('GET', '/length');
    expect([plain.status, text(plain.content)]).toEqual([200, 'hello']);
    const chunked = await http.ask('GET', '/chunked');
    expect([text(chunked.content), chunked.trailers]).toEqual(['one two', [['x-sum', '7']]]);
    expect(await http.ask('HEAD', '/length')).toMatchObject({ status: 200, content: new Uint8Array(0) });
    expect(await http.ask('GET', '/304')).toMatchObject({ status: 304 });
    expect(text((await http.ask('GET', '/length')).content)).toBe('hello');
    expect(connections()).toBe(1);
  });

  test('requests with content, of known length and chunked, small and large', async () => {
    const { port, connections } = await nodeServer(async (asked, response) => {
      const content = await collect(asked);
      response.end(
        `${asked.method} ${asked.headers['transfer-encoding'] ?? asked.headers['content-length']} ${content.length} ${content.slice(0, 3)}`,
      );
    });
    const http = await client(port);
    const answer = async (...args: Parameters<SocketClient['ask']>): Promise<string> => text((await http.ask(...args)).content);
    expect(await answer('POST', '/', [['content-length', '3']], 'abc')).toBe('POST 3 3 abc');
    expect(await answer('PUT', '/', [], 'abc')).toBe('PUT chunked 3 abc');
    expect(await answer('POST', '/')).toBe('POST 0 0 ');
    const large = new Uint8Array(3_000_000).fill(0x78);
    expect(await answer('POST', '/', [], large)).toBe('POST chunked 3000000 xxx');
    expect(await answer('POST', '/', [['content-length', '3000000']], large)).toBe('POST 3000000 3000000 xxx');
    expect(connections()).toBe(1);
  });

  test('five megabytes, through back-pressure', async () => {
    const { port } = await nodeServer((_, response) => response.end(Buffer.alloc(5_000_000, 'y')));
    const http = await client(port);
    expect((await http.ask('GET', '/')).content.length).toBe(5_000_000);
  });

  test('pipelined requests are answered in their order', async () => {
    const { port, connections } = await nodeServer((asked, response) =>
      setTimeout(() => response.end(asked.url), asked.url === '/0' ? 20 : 0),
    );
    const http = await client(port, { pipelining: 10 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => http.ask('GET', `/${i}`)));
    expect(answers.map(({ content }) => text(content))).toEqual(Array.from({ length: 10 }, (_, i) => `/${i}`));
    expect(connections()).toBe(1);
  });

  test('informational responses, and 100-continue', async () => {
    const { port } = await nodeServer(
      (asked, response) => {
        if (asked.url === '/hints') response.writeEarlyHints({ link: '</a>' });
        response.end('done');
      },
      (server) =>
        server.on('checkContinue', async (asked: IncomingMessage, response) => {
          response.writeContinue();
          response.end(await collect(asked));
        }),
    );
    const http = await client(port);
    expect((await http.ask('GET', '/hints')).informational).toEqual([103]);
    const waited = await http.ask(
      'POST',
      '/',
      [
        ['expect', '100-continue'],
        ['content-length', '3'],
      ],
      'abc',
      'wait',
    );
    expect([waited.informational, text(waited.content)]).toEqual([[100], 'abc']);
  });

  test('`Connection: close`, of either side', async () => {
    const { port } = await nodeServer((asked, response) => {
      if (asked.url === '/close') response.setHeader('connection', 'close');
      response.end(asked.headers.connection);
    });
    const ours = await client(port, { persistent: false });
    expect(text((await ours.ask('GET', '/')).content)).toBe('close');
    expect(await ours.over).toEqual({ clean: true, reason: '' });
    const theirs = await client(port);
    expect((await theirs.ask('GET', '/close')).status).toBe(200);
    expect(await theirs.over).toEqual({ clean: true, reason: '' });
    expect(theirs.http.acceptsRequests).toBe(false);
  });

  test('a server that is gone fails what has no answer', async () => {
    const { port } = await nodeServer((asked, response) => {
      if (asked.url === '/1') asked.socket.destroy();
      else response.end();
    });
    const http = await client(port, { pipelining: 3 });
    const all = await Promise.allSettled([http.ask('GET', '/0'), http.ask('GET', '/1'), http.ask('GET', '/2')]);
    expect(all.slice(1).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(http.failed.every(({ unprocessed }) => !unprocessed)).toBe(true);
  });

  test('an upgrade, raw octets both ways, and each direction’s own end', async () => {
    const { port } = await nodeServer(
      () => {},
      (server) =>
        server.on('upgrade', (asked: IncomingMessage, socket, head: Buffer) => {
          expect([asked.headers.upgrade, head.length]).toEqual(['shout', 0]);
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nwell?');
          socket.on('data', (data: Buffer) => socket.write(data.toString().toUpperCase()));
          socket.on('end', () => socket.end('bye'));
        }),
    );
    const http = await client(port);
    let heard = '';
    const ended = new Promise<void>((resolve) => {
      http.onOctets = (octets, fin) => {
        heard += text(octets);
        if (heard.endsWith('HEY')) http.finish(0);
        if (fin) resolve();
      };
    });
    expect((await http.ask('GET', '/', [['upgrade', 'shout']])).status).toBe(101);
    http.say(0, 'hey');
    await ended;
    expect(heard).toBe('well?HEYbye');
    expect(await http.over).toEqual({ clean: true, reason: '' });
  });

  test('CONNECT', async () => {
    const { port } = await nodeServer(
      () => {},
      (server) =>
        server.on('connect', (asked: IncomingMessage, socket) =>
          socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${asked.url!.length}\r\n\r\n${asked.url}`),
        ),
    );
    const http = await client(port);
    const refused = await http.ask('CONNECT', 'example.com:443');
    expect([refused.status, text(refused.content)]).toEqual([403, 'example.com:443']);
    expect(await http.over).toEqual({ clean: true, reason: '' });
  });
});

describe("Node's client at our server", () => {
  const ask = (
    port: number,
    options: Parameters<typeof request>[1] & object,
    body?: string | Buffer,
  ): Promise<{ response: IncomingMessage; content: string; continued: boolean }> =>
    new Promise((resolve, reject) => {
      let continued = false;
      const asked = request({ port, host: '127.0.0.1', ...options }, async (response) =>
        resolve({ response, content: await collect(response), continued }),
      );
      asked.on('error', reject);
      asked.on('continue', () => {
        continued = true;
        asked.end(body);
      });
      if (options.headers !== undefined && 'expect' in options.headers) asked.flushHeaders();
      else asked.end(body);
    });

  test('keep-alive: one connection, content of known length, chunked both ways with trailers, HEAD, 204 behind 103', async () => {
    const { listener, port } = await ourServer();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closing.push(() => agent.destroy());
    expect((await ask(port, { agent, path: '/hello' })).content).toBe('hello');
    const echoed = await ask(port, { agent, path: '/echo', method: 'POST', headers: { 'transfer-encoding': 'chunked' } }, 'some content');
    expect([echoed.content, echoed.response.headers['transfer-encoding'], echoed.response.trailers]).toEqual([
      'some content',
      'chunked',
      { 'x-trailer': 'yes' },
    ]);
    const head = await ask(port, { agent, path: '/hello', method: 'HEAD' });
    expect([head.content, head.response.headers['content-length']]).toEqual(['', '5']);
    expect((await ask(port, { agent, path: '/hints' })).response.statusCode).toBe(204);
    expect((await ask(port, { agent, path: '/none' })).response.statusCode).toBe(404);
    expect(listener.counters().accepted).toBe(1);
  });

  test('megabytes both ways, through back-pressure', async () => {
    const { port } = await ourServer();
    const body = Buffer.alloc(2_000_000, 'z');
    const echoed = await ask(port, { path: '/echo', method: 'PUT' }, body);
    expect([echoed.content.length, echoed.content === body.toString('latin1')]).toEqual([2_000_000, true]);
    expect((await ask(port, { path: '/large/5000000' })).content.length).toBe(5_000_000);
  });

  test('Expect: 100-continue, granted and refused', async () => {
    const { port } = await ourServer();
    const granted = await ask(port, { path: '/echo', method: 'POST', headers: { expect: '100-continue', 'content-length': 3 } }, 'abc');
    expect([granted.continued, granted.content]).toEqual([true, 'abc']);
    const refused = await ask(port, { path: '/reject', method: 'POST', headers: { expect: '100-continue', 'content-length': 3 } }, 'abc');
    expect([refused.continued, refused.response.statusCode, refused.response.headers.connection]).toEqual([false, 413, 'close']);
  });

  test('an upgrade', async () => {
    const { port } = await ourServer();
    const asked = request({ port, host: '127.0.0.1', path: '/socket', headers: { connection: 'Upgrade', upgrade: 'echo' } });
    asked.end();
    const [response, socket, head] = await once(asked, 'upgrade');
    expect([response.statusCode, response.headers.upgrade, head.length]).toEqual([101, 'echo', 0]);
    socket.write('over and out');
    const [data] = await once(socket, 'data');
    expect(data.toString()).toBe('over and out');
    socket.end();
    await once(socket, 'close');
  });

  test('many pipelined requests on a raw socket, in pieces that end anywhere', async () => {
    const { port } = await ourServer();
    const count = 200;
    const octets = Buffer.from(
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcdGET /hello HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count / 2),
    );
    const socket = tcp(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    for (let at = 0; at < octets.length; at += 97) socket.write(octets.subarray(at, at + 97));
    socket.end();
    await once(socket, 'close');
    expect(heard.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(count);
    const one = heard.slice(0, heard.indexOf('hello') + 5);
    expect(heard).toBe(one.repeat(count / 2));
  });
});

describe.skipIf(spawnSync('curl', ['--version']).status !== 0)('curl at our server (needs curl)', () => {
  const curl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('curl', ['-s', '-S', '-i', '--max-time', '20', ...args])).stdout;

  test('HTTP/1.1 and HTTP/1.0, HEAD, two requests on a connection', async () => {
    const { listener, port } = await ourServer();
    const url = `http://127.0.0.1:${port}`;
    expect(await curl(`${url}/hello`)).toBe('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
    expect(await curl('-0', `${url}/hello`)).toBe('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello');
    expect(await curl('-I', `${url}/hello`)).toBe('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    expect(await curl(`${url}/hello`, `${url}/hello`)).toMatch(/hello[\s\S]*hello$/);
    expect(listener.counters().accepted).toBe(4);
  });

  test('uploads: of known length with Expect, and chunked', async () => {
    const { port } = await ourServer();
    const url = `http://127.0.0.1:${port}/echo`;
    const body = 'q'.repeat(100_000);
    const expecting = await curl('-H', 'Expect: 100-continue', '-d', body, url);
    expect([expecting.startsWith('HTTP/1.1 100 Continue\r\n\r\n'), expecting.includes(body)]).toEqual([true, true]);
    expect(await curl('-H', 'Transfer-Encoding: chunked', '-d', body, url)).toContain(body);
    const refused = await curl('-H', 'Expect: 100-continue', '-d', body, url.replace('echo', 'reject'));
    expect(refused.startsWith('HTTP/1.1 413 Content Too Large\r\n')).toBe(true);
  });

  test('an offer of HTTP/2 that nobody takes up', async () => {
    const { port } = await ourServer();
    expect((await curl('--http2', `http://127.0.0.1:${port}/hello`)).startsWith('HTTP/1.1 200 OK\r\n')).toBe(true);
  });
});

const python = `
import http.client, sys
c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=20)
for body in (b'abc', iter([b'one ', b'two'])):
    c.request('POST', '/echo', body=body)
    r = c.getresponse()
    print(r.status, r.read().decode())
c.request('GET', '/hello')
print(c.getresponse().read().decode())
`;
describe.skipIf(spawnSync('python3', ['-c', 'import http.client']).status !== 0)('Python at our server (needs python3)', () => {
  test('content of known length and chunked, on one connection', async () => {
    const { listener, port } = await ourServer();
    const { stdout } = await promisify(execFile)('python3', ['-c', python, String(port)]);
    expect(stdout.trim().split(/\r?\n/)).toEqual(['200 abc', '200 one two', 'hello']);
    expect(listener.counters().accepted).toBe(1);
  });

  test("our client at Python's server, which speaks HTTP/1.0", async () => {
    const script =
      'import http.server,sys\nclass H(http.server.BaseHTTPRequestHandler):\n  def do_GET(self):\n    self.send_response(200)\n    self.end_headers()\n    self.wfile.write(b"until close")\n  def log_message(self,*a): pass\ns=http.server.HTTPServer(("127.0.0.1",0),H)\nprint(s.server_port,flush=True)\ns.handle_request()';
    const { spawn } = await import('node:child_process');
    const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    closing.push(() => void child.kill());
    const [line] = await once(child.stdout, 'data');
    const http = await client(Number(String(line)));
    expect(text((await http.ask('GET', '/')).content)).toBe('until close');
    expect((await http.over).clean).toBe(true);
  });
});
