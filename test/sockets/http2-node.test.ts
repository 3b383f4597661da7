import { once } from 'node:events';
import {
  type ClientHttp2Session,
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  connect as nodeConnect,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { sameBytes } from '@quiclab/bytes';
import { type FrameObserver, fieldValue } from '@quiclab/http-semantics';
import { H2 } from '@quiclab/http2';
import { afterEach, describe, expect, test } from 'vitest';
import { identity, KINDS, type Kind, OurClient, OurServer, pathOf, pattern, request } from './http2-ends.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Node's server, until the test ends. */
async function nodeServer(
  kind: Kind,
  onStream: OnStream,
  options: { settings?: object; onSession?: (session: ServerHttp2Session) => void } = {},
): Promise<number> {
  const { settings = {} } = options;
  const server: Http2Server =
    kind === 'tls' ? (createSecureServer({ ...identity, settings }) as unknown as Http2Server) : createServer({ settings });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('error', () => {});
    options.onSession?.(session);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function ourClient(kind: Kind, port: number, options: Parameters<typeof OurClient.open>[2] = {}): Promise<OurClient> {
  const client = await OurClient.open(kind, port, options);
  cleanUps.push(() => client.close());
  return client;
}

async function ourServer(
  kind: Kind,
  ...rest: Parameters<typeof OurServer.open> extends [Kind, ...infer Rest] ? Rest : never
): Promise<OurServer> {
  const server = await OurServer.open(kind, ...rest);
  cleanUps.push(() => server.listener.close());
  return server;
}

function nodeClient(kind: Kind, port: number, options: object = {}): ClientHttp2Session {
  const session = nodeConnect(`${kind === 'tls' ? 'https' : 'http'}://localhost:${port}`, { ca: identity.cert, ...options });
  session.on('error', () => {});
  cleanUps.push(() => session.destroy());
  return session;
}

interface NodeAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  readonly informational: number[];
}

/** A request of Node's client, to its end. */
function nodeFetch(session: ClientHttp2Session, headers: object, body?: Uint8Array, trailers?: object): Promise<NodeAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers as never, { endStream: body === undefined, waitForTrailers: trailers !== undefined } as never);
    const pieces: Buffer[] = [];
    const answer = { headers: {} as IncomingHttpHeaders, trailers: {} as IncomingHttpHeaders, informational: [] as number[] };
    stream.on('headers', (fields) => answer.informational.push(fields[':status']!));
    stream.on('response', (fields) => {
      answer.headers = fields;
    });
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('trailers', (fields) => {
      answer.trailers = fields;
    });
    stream.on('end', () => resolve({ ...answer, body: Buffer.concat(pieces) }));
    stream.on('error', reject);
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers as never));
    if (body !== undefined) stream.end(body);
  });
}

describe.each(KINDS)("our client and Node's server, over %s (RFC 9113 §3.2, §3.3)", (kind) => {
  test('two hundred requests at once, each with its content and its fields', async () => {
    const port = await nodeServer(kind, (stream, headers) => {
      stream.respond({ ':status': 200, 'x-path': headers[':path'], 'content-type': 'text/plain' });
      stream.end(`you asked for ${headers[':path']}`);
    });
    const client = await ourClient(kind, port);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => client.fetch(request('GET', `/${i}`, [['x-same', 'in all of them']]))),
    );
    answers.forEach((answer, i) => {
      expect([answer.status, answer.fault, fieldValue(answer.fields, 'x-path')]).toEqual([200, '', `/${i}`]);
      expect(Buffer.from(answer.body).toString()).toBe(`you asked for /${i}`);
    });
    expect(client.http.openExchanges).toBe(0);
  });

  test('large bodies both ways at once', async () => {
    const port = await nodeServer(kind, (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const client = await ourClient(kind, port);
    const bodies = [3_000_000, 1_000_000, 1, 70_000, 0].map(pattern);
    const answers = await Promise.all(bodies.map((body) => client.fetch(request('POST', '/'), body)));
    answers.forEach((answer, i) => {
      expect([answer.fault, sameBytes(answer.body, bodies[i]!)]).toEqual(['', true]);
    });
  });

  test('trailers both ways, informational responses, HEAD', async () => {
    const port = await nodeServer(kind, (stream, headers) => {
      let received: IncomingHttpHeaders = {};
      stream.on('trailers', (trailers) => {
        received = trailers;
      });
      stream.resume();
      if (headers[':method'] === 'HEAD') {
        stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true });
        return;
      }
      stream.on('end', () => {
        stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-received': received['x-sent'] as string }));
        stream.end('body');
      });
    });
    const client = await ourClient(kind, port);
    const answer = await client.fetch(request('POST', '/'), pattern(100, 1), [['x-sent', 'by us']]);
    expect(answer).toMatchObject({ status: 200, informational: [103], trailers: [['x-received', 'by us']], fault: '' });
    const head = await client.fetch(request('HEAD', '/'));
    expect([head.status, fieldValue(head.fields, 'content-length'), head.body.length, head.fault]).toEqual([200, '5', 0, '']);
  });

  test('resets of theirs are told with their code', async () => {
    const port = await nodeServer(kind, (stream, headers) => {
      if (headers[':path'] === '/refused') stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else {
        stream.respond({ ':status': 200 });
        stream.write('some', () => stream.destroy(new Error('broken')));
      }
    });
    const client = await ourClient(kind, port);
    expect((await client.fetch(request('GET', '/refused'))).fault).toBe(`reset ${H2.REFUSED_STREAM} unprocessed`);
    expect((await client.fetch(request('GET', '/broken'))).fault).toBe(`reset ${H2.INTERNAL_ERROR}`);
    expect(client.http.closed).toBe(false);
  });

  test('what we give up is given up there, and the connection goes on', async () => {
    const closed: number[] = [];
    const port = await nodeServer(kind, (stream, headers) => {
      if (headers[':path'] === '/') {
        stream.respond({ ':status': 200 });
        stream.end('still there');
        return;
      }
      stream.on('close', () => closed.push(stream.rstCode));
      stream.respond({ ':status': 200 });
      stream.write(pattern(500_000, 1));
    });
    const client = await ourClient(kind, port);
    client.onEvent = (event) => {
      if (event.type === 'response' && event.id === 1) client.act((http, now) => http.cancel(now, 1));
    };
    void client.fetch(request('GET', '/long'));
    const answer = await client.fetch(request('GET', '/'));
    expect(Buffer.from(answer.body).toString()).toBe('still there');
    await client.fetch(request('GET', '/'));
    expect(closed).toEqual([constants.NGHTTP2_CANCEL]);
  });

  test('GOAWAY: what is under way ends well, and nothing new begins', async () => {
    const sessions: ServerHttp2Session[] = [];
    const port = await nodeServer(
      kind,
      (stream, headers) => {
        stream.respond({ ':status': 200 });
        if (headers[':path'] === '/slow') setImmediate(() => stream.end('in time'));
        if (headers[':path'] === '/slow') sessions[0]!.close();
      },
      { onSession: (session) => sessions.push(session) },
    );
    const client = await ourClient(kind, port);
    const answer = await client.fetch(request('GET', '/slow'));
    expect([Buffer.from(answer.body).toString(), answer.fault]).toEqual(['in time', '']);
    await client.closed();
    expect(client.told.some(({ type }) => type === 'goaway')).toBe(true);
    expect([client.http.acceptsRequests, await client.over]).toEqual([false, true]);
  });

  test('a window that is used up holds our content until there is credit again', async () => {
    let resume: () => void = () => {};
    const port = await nodeServer(
      kind,
      (stream) => {
        const pieces: Buffer[] = [];
        stream.pause(); // no credit but the first 65,535 octets
        resume = () => {
          stream.on('data', (piece: Buffer) => pieces.push(piece)).resume();
          stream.on('end', () => {
            stream.respond({ ':status': 200 });
            stream.end(String(Buffer.concat(pieces).length));
          });
        };
        stream.additionalHeaders({ ':status': 103 });
      },
      { settings: { initialWindowSize: 65_535 } },
    );
    let sent = 0;
    const frameMapped: FrameObserver['frameMapped'] = (direction, _exchange, _stream, _offset, length, headerLength, kind) => {
      if (direction === 'sent' && kind === 'data') sent += length - headerLength;
    };
    const client = await ourClient(kind, port, { maxQueued: 1 << 20, observer: { frameMapped } });
    const sentWhenStopped: number[] = [];
    client.onEvent = (event) => {
      if (event.type !== 'response' || !event.informational) return;
      setImmediate(() => {
        sentWhenStopped.push(sent);
        resume();
      });
    };
    const answer = await client.fetch(request('POST', '/'), pattern(700_000, 3));
    expect([sentWhenStopped, sent, Buffer.from(answer.body).toString()]).toEqual([[65_535], 700_000, '700000']);
  });

  test('a server that takes two at once is asked two at once', async () => {
    let open = 0;
    let most = 0;
    const port = await nodeServer(
      kind,
      (stream) => {
        most = Math.max(most, ++open);
        stream.respond({ ':status': 200 });
        setImmediate(() => {
          open--;
          stream.end('done');
        });
      },
      { settings: { maxConcurrentStreams: 2 } },
    );
    const client = await ourClient(kind, port);
    await client.fetch(request('GET', '/')); // SETTINGS are there
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.fetch(request('GET', '/'))));
    expect(answers.every(({ status, fault }) => status === 200 && fault === '')).toBe(true);
    expect(most).toBeLessThanOrEqual(2);
  });

  test('fields that fill several frames, both ways', async () => {
    const port = await nodeServer(kind, (stream, headers) => {
      stream.respond({ ':status': 200, 'x-back': headers['x-long'] as string });
      stream.end();
    });
    const client = await ourClient(kind, port);
    const long = 'abc'.repeat(15_000);
    const answer = await client.fetch(request('GET', '/', [['x-long', long]]));
    expect([answer.fault, fieldValue(answer.fields, 'x-back') === long]).toEqual(['', true]);
  });
});

describe.each(KINDS)("Node's client and our server, over %s", (kind) => {
  test('two hundred requests at once, each with its content and its fields', async () => {
    const server = await ourServer(kind, ({ fields }) => ({
      fields: [
        [':status', '200'],
        ['x-path', pathOf(fields)],
      ],
      body: Buffer.from(`you asked for ${pathOf(fields)}`),
    }));
    const session = nodeClient(kind, server.port);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => nodeFetch(session, { ':path': `/${i}`, 'x-same': 'in all' })));
    answers.forEach(({ headers, body }, i) => {
      expect([headers['x-path'], body.toString()]).toEqual([`/${i}`, `you asked for /${i}`]);
    });
    expect(server.connections.map(({ openExchanges }) => openExchanges)).toEqual([0]);
  });

  test('large bodies both ways at once', async () => {
    const server = await ourServer(kind, ({ body }) => ({ fields: [[':status', '200']], body }));
    const session = nodeClient(kind, server.port);
    const bodies = [3_000_000, 1_000_000, 1, 70_000, 0].map(pattern);
    const answers = await Promise.all(bodies.map((body) => nodeFetch(session, { ':method': 'POST', ':path': '/' }, body)));
    answers.forEach(({ body }, i) => {
      expect(sameBytes(body, bodies[i]!)).toBe(true);
    });
  });

  test('trailers both ways, informational responses, HEAD', async () => {
    const server = await ourServer(kind, ({ trailers, body }) => ({
      informational: [
        [':status', '103'],
        ['link', '</a.css>'],
      ],
      fields: [
        [':status', '200'],
        ['content-length', '4'],
      ],
      body: Buffer.from('body'),
      trailers: [['x-received', `${fieldValue(trailers, 'x-sent')} after ${body.length}`]],
    }));
    const session = nodeClient(kind, server.port);
    const answer = await nodeFetch(session, { ':method': 'POST', ':path': '/' }, pattern(100, 1), { 'x-sent': 'by node' });
    expect([answer.informational, answer.body.toString(), answer.trailers['x-received']]).toEqual([[103], 'body', 'by node after 100']);
    const head = await nodeFetch(session, { ':method': 'HEAD', ':path': '/' });
    expect([head.headers['content-length'], head.body.length]).toEqual(['4', 0]);
  });

  test('a client that goes away in the middle costs its exchanges, and no other connection', async () => {
    const server = await ourServer(kind, ({ body }) => ({
      fields: [[':status', '200']],
      body: body.length === 0 ? pattern(5_000_000, 1) : body,
    }));
    const first = nodeClient(kind, server.port);
    const stream = first.request({ ':path': '/' });
    stream.on('error', () => {});
    await once(stream, 'data');
    first.destroy();
    const second = nodeClient(kind, server.port);
    const { body } = await nodeFetch(second, { ':method': 'POST', ':path': '/' }, pattern(10, 1));
    expect(body.length).toBe(10);
  });

  test('a stream that Node resets is told as one', async () => {
    const server = await ourServer(kind, () => ({ fields: [[':status', '200']], body: pattern(5_000_000, 1) }));
    const session = nodeClient(kind, server.port);
    const stream = session.request({ ':path': '/' });
    await once(stream, 'response');
    stream.close(constants.NGHTTP2_CANCEL);
    await once(stream, 'close');
    await nodeFetch(session, { ':method': 'HEAD', ':path': '/' });
    expect(server.told.filter(({ type }) => type === 'stopped')).toMatchObject([{ id: 1, code: H2.CANCEL }]);
    expect(server.connections[0]!.openExchanges).toBe(0);
  });

  test('our GOAWAY: what is under way ends well, and Node closes the session', async () => {
    const server = await ourServer(kind, () => ({ fields: [[':status', '200']], body: pattern(2_000_000, 1) }));
    const session = nodeClient(kind, server.port);
    const stream = session.request({ ':path': '/' });
    await once(stream, 'response');
    server.act((http, now) => http.goaway(now));
    let received = 0;
    for await (const piece of stream) received += (piece as Buffer).length;
    expect(received).toBe(2_000_000);
    await once(session, 'close');
    expect(server.told.at(-1)).toMatchObject({ type: 'closed' });
  });

  test('a client that does not read holds our content, and has it when it reads on', async () => {
    const server = await ourServer(kind, () => ({ fields: [[':status', '200']], body: pattern(1_000_000, 5) }));
    const session = nodeClient(kind, server.port, { settings: { initialWindowSize: 20_000 } });
    const slow = session.request({ ':path': '/slow' });
    await once(slow, 'response'); // and not read on
    await nodeFetch(session, { ':method': 'HEAD', ':path': '/' });
    const pieces: Buffer[] = [];
    for await (const piece of slow) pieces.push(piece as Buffer);
    expect(sameBytes(Buffer.concat(pieces), pattern(1_000_000, 5))).toBe(true);
  });

  test('ping is answered, settings are acknowledged', async () => {
    const server = await ourServer(kind, () => ({ fields: [[':status', '200']] }));
    const session = nodeClient(kind, server.port);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 100, initialWindowSize: 262_144, maxHeaderListSize: 65_536 });
    const payload = await new Promise<Buffer>((resolve, reject) =>
      session.ping(Buffer.from('12345678'), (error, _duration, echoed) => (error === null ? resolve(echoed) : reject(error))),
    );
    expect(payload.toString()).toBe('12345678');
    await new Promise<void>((resolve) => session.settings({ initialWindowSize: 1_000 }, () => resolve()));
    expect(session.pendingSettingsAck).toBe(false);
  });

  test('CONNECT with :protocol (RFC 8441)', async () => {
    const server = await ourServer(
      kind,
      ({ fields, body }) => ({
        fields: [
          [':status', '200'],
          ['x-was', fieldValue(fields, ':protocol')!],
        ],
        body,
      }),
      {
        enableConnectProtocol: true,
      },
    );
    const session = nodeClient(kind, server.port);
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const headers = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'https', ':authority': 'localhost' };
    const { headers: answered, body } = await nodeFetch(session, headers, Buffer.from('through the tunnel'));
    expect([answered['x-was'], body.toString()]).toEqual(['websocket', 'through the tunnel']);
  });
});

describe.each(KINDS)('our client and our server, over %s', (kind) => {
  test('a hundred echoes of 50,000 octets, and a clean end', async () => {
    const server = await ourServer(kind, ({ body }) => ({ fields: [[':status', '200']], body }));
    const client = await OurClient.open(kind, server.port);
    const bodies = Array.from({ length: 100 }, (_, i) => pattern(50_000, i));
    const answers = await Promise.all(bodies.map((body) => client.fetch(request('POST', '/'), body)));
    answers.forEach((answer, i) => {
      expect(sameBytes(answer.body, bodies[i]!)).toBe(true);
    });
    expect(await client.close()).toBe(true);
    expect(server.told.at(-1)).toMatchObject({ type: 'closed', code: H2.NO_ERROR });
  });
});
