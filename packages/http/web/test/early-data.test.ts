import { nodeProvider } from '@quiclab/crypto/node';
import { Observer, type PacketView } from '@quiclab/quic';
import { clientHandshake } from '@quiclab/tls';
import { createClient, type Handler, type ServeOptions, type Server, serve } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';
import { certificates } from '../src/certificate.ts';
import { type ClientOptions, fetchWith } from '../src/client.ts';
import { ClientExchange } from '../src/exchange.ts';
import { Host } from '../src/host.ts';
import { Pool } from '../src/pool.ts';

const CRYPTO = 0x06;
const isStream = (type: number) => type === 0x08 || type === 0x09;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** One connection's packets on their way out. */
class Watch extends Observer {
  /** Octets of the handshake: with a certificate, more than a thousand. */
  handshakeOctets = 0;
  /** Streams that were sent on in 0-RTT. */
  readonly early = new Set<number>();

  override packetSent(_now: number, { level, frames }: PacketView): void {
    for (let i = 0; i < frames.length; i++) {
      if (level === 'handshake' && frames.type(i) === CRYPTO) this.handshakeOctets += frames.size(i);
      if (level === 'early' && isStream(frames.type(i))) this.early.add(frames.stream(i));
    }
  }
}

function watched() {
  const all: Watch[] = [];
  const observer = (): Watch => {
    const one = new Watch();
    all.push(one);
    return one;
  };
  return { all, policies: { observer } };
}

/** What the handler saw: method and path, and 'early' if it could tell. */
const describeRequest = ({ method, url, headers }: Request): string =>
  `${method} ${new URL(url).pathname}${headers.get('early-data') === '1' ? ' early' : ''}`;

const echo: Handler = (request) => new Response(describeRequest(request));

class World {
  readonly atServer = watched();
  readonly atClient = watched();
  readonly server: Server;
  readonly pool: Pool;

  static async open(handler: Handler = echo, serveOptions: ServeOptions = {}, clientOptions: ClientOptions = {}): Promise<World> {
    const atServer = watched();
    return new World(atServer, await serve(handler, { policies: atServer.policies, ...serveOptions }), clientOptions);
  }

  private constructor(atServer: ReturnType<typeof watched>, server: Server, options: ClientOptions) {
    this.atServer = atServer;
    this.server = server;
    this.pool = new Pool({ ca: server.certificate.pem, policies: this.atClient.policies, ...options });
    open.push(server, this.pool);
  }

  async get(path: string, init?: RequestInit): Promise<string> {
    const response = await fetchWith(this.pool, this.server.origin + path, init);
    return `${response.status} ${await response.text()}`;
  }

  /** Ends the connection that there is, so that the next request makes another. */
  async hangUp(origin = this.server.origin): Promise<void> {
    const session = await this.pool.session(new URL(origin), false);
    session.http.close(session.now);
    session.touched();
  }

  /** A first connection is over, and has left what it could. */
  async afterFirst(): Promise<this> {
    expect(await this.get('/first')).toBe('200 GET /first');
    await this.hangUp();
    return this;
  }
}

describe('a second connection to the same origin', () => {
  test('is resumed: no certificate is sent, and a GET comes in 0-RTT (RFC 9001 §4.5, §4.6)', async () => {
    const world = await (await World.open()).afterFirst();
    expect(await world.get('/second')).toBe('200 GET /second early');
    const [first, second] = world.atServer.all;
    expect(second!.handshakeOctets).toBeLessThan(first!.handshakeOctets / 2);
    expect([...world.atClient.all[0]!.early]).toEqual([]);
    expect(world.atClient.all[1]!.early).toContain(0);
  });

  test('gives a session for the third, and that one for the fourth', async () => {
    const world = await (await World.open()).afterFirst();
    for (const path of ['/second', '/third', '/fourth']) {
      expect(await world.get(path)).toBe(`200 GET ${path} early`);
      // an early answer may come before the session, which waits for the end of the handshake; this one does not
      expect(await world.get('/more', { method: 'POST' })).toBe('200 POST /more');
      await world.hangUp();
    }
    expect(world.atClient.all.length).toBe(4);
  });

  test('a POST waits for the handshake, beside a GET that does not (RFC 8470 §4)', async () => {
    const world = await (await World.open()).afterFirst();
    const answers = await Promise.all([
      world.get('/post', { method: 'POST', body: 'x' }),
      world.get('/get'),
      world.get('/put', { method: 'PUT' }),
    ]);
    expect(answers).toEqual(['200 POST /post', '200 GET /get early', '200 PUT /put']);
    expect(world.atClient.all.length).toBe(2);
    const bidi = [...world.atClient.all[1]!.early].filter((id) => id % 4 === 0);
    expect(bidi).toEqual([0]);
  });

  test('a POST alone resumes, and nothing of it is sent early', async () => {
    const world = await (await World.open()).afterFirst();
    expect(await world.get('/post', { method: 'POST', body: 'x' })).toBe('200 POST /post');
    const [first, second] = world.atServer.all;
    expect(second!.handshakeOctets).toBeLessThan(first!.handshakeOctets / 2);
    expect([...world.atClient.all[1]!.early].filter((id) => id % 4 === 0)).toEqual([]);
  });

  test('many at once come early, all over one connection', async () => {
    const world = await (await World.open()).afterFirst();
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((path) => world.get(path)));
    expect(answers.map((answer) => answer.replace(' early', ''))).toEqual(paths.map((path) => `200 GET ${path}`));
    expect(answers[0]).toBe('200 GET /0 early');
    expect(world.atClient.all.length).toBe(2);
  });

  test('goes to the address that answered the last time, whatever the order of the names', async () => {
    const world = await World.open();
    const origin = `https://localhost:${world.server.address.port}`;
    const get = async (path: string) => (await fetchWith(world.pool, origin + path, undefined)).text();
    expect(await get('/first')).toBe('GET /first');
    await world.hangUp(origin);
    expect(await get('/second')).toBe('GET /second early');
  });
});

describe('early data that is not taken', () => {
  test('by a server that was started anew: the application notices nothing (RFC 9001 §4.6.2)', async () => {
    const { developmentCertificate } = await import('@quiclab/crypto/node');
    const { certificate: cert, privateKey: key } = developmentCertificate(Date.now() * 1_000);
    const world = await (await World.open(echo, { cert, key })).afterFirst();
    const { port } = world.server.address;
    await world.server.close();
    const seen: string[] = [];
    const again = await serve(
      (request) => {
        seen.push(describeRequest(request));
        return new Response('again');
      },
      { cert, key, port },
    );
    open.push(again);
    expect(await Promise.all(['/a', '/b', '/c'].map((path) => world.get(path)))).toEqual(['200 again', '200 again', '200 again']);
    expect(seen.sort()).toEqual(['GET /a', 'GET /b', 'GET /c']);
    expect(world.atClient.all.length).toBe(2);
    expect(world.atClient.all[1]!.early).toContain(0); // it was sent early all the same
  });

  test('by a handler that says 425: the request comes once more, after the handshake (RFC 8470 §5.2)', async () => {
    const seen: string[] = [];
    const world = await World.open((request) => {
      const what = describeRequest(request);
      seen.push(what);
      return new Response(what, { status: what.endsWith('early') ? 425 : 200 });
    });
    await world.afterFirst();
    expect(await world.get('/second')).toBe('200 GET /second');
    expect(seen).toEqual(['GET /first', 'GET /second early', 'GET /second']);
    expect(world.atClient.all.length).toBe(2);
  });

  test('a 425 for what was not sent early is an answer like any other', async () => {
    let seen = 0;
    const world = await World.open(() => new Response(`${++seen}`, { status: 425 }));
    expect(await world.get('/')).toBe('425 1');
  });

  test('a client that sends a POST early is told 425, and no handler sees it (RFC 8470 §5.2)', async () => {
    const seen: string[] = [];
    const server = await serve((request) => {
      seen.push(describeRequest(request));
      return new Response('done');
    });
    const host = await Host.open({
      bind: { host: '0.0.0.0', port: 0 },
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: certificates(server.certificate.pem) } }),
      onFault: (error) => {
        throw error;
      },
    });
    open.push(server, host);
    const url = new URL(server.origin);
    let remembered: { session?: Uint8Array } = {};
    const ask = async (method: string) => {
      let onSession = (_data: Uint8Array): void => {};
      const next = new Promise<Uint8Array>((resolve) => {
        onSession = resolve;
      });
      const one = host.connect(server.address, '127.0.0.1', remembered, { onSession });
      if (remembered.session === undefined) await one.established;
      const exchange = new ClientExchange(one, () => {});
      const response = await exchange.run(new Request(url, { method }), url, -1);
      await response.text();
      remembered = { session: await next };
      return [response.status, exchange.early];
    };
    expect(await ask('POST')).toEqual([200, false]);
    expect(await ask('POST')).toEqual([425, true]);
    expect(await ask('DELETE')).toEqual([425, true]);
    expect(await ask('HEAD')).toEqual([200, true]);
    expect(seen).toEqual(['POST /', 'HEAD / early']);
  });

  test('a gateway may say that a request came early to it (RFC 8470 §5.1)', async () => {
    const world = await World.open();
    const headers = { 'early-data': '1' };
    expect(await world.get('/', { headers })).toBe('200 GET / early');
    expect(await world.get('/', { headers, method: 'POST' })).toBe('425 ');
  });
});

describe('switched off', () => {
  const full = (world: World) => world.atServer.all.map(({ handshakeOctets }) => handshakeOctets > 600);

  test.each([
    ['resumption, at the client', {}, { resume: false }, [true, true]],
    ['resumption, at the server', { resume: false }, {}, [true, true]],
    ['early data, at the client', {}, { earlyData: false }, [true, false]],
    ['early data, at the server', { earlyData: false }, {}, [true, false]],
  ])('%s', async (_, serveOptions, clientOptions, expected) => {
    const world = await (await World.open(echo, serveOptions, clientOptions)).afterFirst();
    expect(await world.get('/second')).toBe('200 GET /second');
    expect(full(world)).toEqual(expected);
    expect([...world.atClient.all[1]!.early]).toEqual([]);
  });
});

test('a server that is gone is reported after one handshake, early data or not', async () => {
  const world = await (await World.open(echo, {}, { transport: { handshakeTimeout: 300_000 } })).afterFirst();
  await world.server.close();
  await expect(world.get('/')).rejects.toMatchObject({ message: 'fetch failed', cause: { cause: { kind: 'handshake-timeout' } } });
  expect(world.atClient.all.length).toBe(2);
});

test('a connection that is over is not kept', async () => {
  const world = await World.open();
  await world.get('/');
  expect(world.pool.connected).toBe(1);
  const session = await world.pool.session(new URL(world.server.origin), false);
  await world.hangUp();
  await session.over;
  while (world.pool.connected > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('other clients know nothing of a session', async () => {
  const world = await (await World.open()).afterFirst();
  const other = createClient({ ca: world.server.certificate.pem });
  open.push(other);
  expect(await (await other.fetch(`${world.server.origin}/other`)).text()).toBe('GET /other');
});
