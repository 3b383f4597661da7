import { ByteWriter, utf8 } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import type { HttpEvent } from '@quiclab/http-semantics';
import { type Beyond, H3, type Limit } from '@quiclab/http3';
import type { TransportConfig } from '@quiclab/quic';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { type Client, type ClientOptions, createClient, type Handler, LIMITS, type ServeOptions, type Server, serve } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';
import { serverCertificate } from '../src/certificate.ts';
import { Host } from '../src/host.ts';
import { Resumption } from '../src/resumption.ts';
import type { Session } from '../src/session.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const SOON = 50; // ms: stands in for a limit that is a time

interface World {
  readonly server: Server;
  readonly client: Client;
  get(init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
}
async function world(handler: Handler, options: ServeOptions = {}, clientOptions: ClientOptions = {}): Promise<World> {
  const server = await serve(handler, { closeTimeoutMs: 1, ...options });
  const client = createClient({ ca: server.certificate.pem, ...clientOptions });
  open.push(server, client);
  return { server, client, get: (init) => client.fetch(server.origin, init) };
}

const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
] as const;
const POST = [[':method', 'POST'], ...GET.slice(1)] as const;

/** A client that reads and says only what a test does. */
class Raw {
  readonly session: Session;
  readonly #told: (HttpEvent & { readonly id: number })[] = [];
  #waiting: (() => void)[] = [];

  static async open(server: Server, transport: Partial<TransportConfig> = {}): Promise<Raw> {
    const handshake = clientHandshake({ provider: nodeProvider, trust: { verify: false } });
    const host = await Host.open({ bind: { host: '0.0.0.0', port: 0 }, handshake, transport, onFault: console.error });
    open.push(host);
    const session = host.connect(server.address, 'localhost');
    await session.established;
    return new Raw(session);
  }

  private constructor(session: Session) {
    this.session = session;
  }

  /** Resolves with the exchange, when there is a stream for it. */
  async request(fields: readonly (readonly [string, string])[] = GET, end = true): Promise<number> {
    for (;;) {
      const id = this.session.http.request(this.session.now, fields, end);
      if (id !== undefined) this.listen(id);
      this.session.touched();
      if (id !== undefined) return id;
      await this.session.room();
    }
  }

  cancel(...ids: readonly number[]): void {
    for (const id of ids) this.session.http.cancel(this.session.now, id);
    this.session.touched();
  }

  listen(id: number): void {
    const onEvent = (event: HttpEvent): void => {
      if (!('id' in event)) return;
      this.#told.push(event);
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.session.listen(id, { onEvent, onLost: () => {} });
  }

  async told<T extends HttpEvent['type']>(type: T, id: number): Promise<Extract<HttpEvent, { type: T }>> {
    for (;;) {
      const event = this.#told.find((one) => one.type === type && one.id === id);
      if (event !== undefined) return event as Extract<HttpEvent, { type: T }>;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

const code = ({ beyond }: Limit): number => H3[beyond.replace('exchange: ', '') as keyof typeof H3];
const endless = (): ReadableStream<Uint8Array> => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
const silent = (): ReadableStream<Uint8Array> => new ReadableStream({ start: (controller) => controller.enqueue(utf8('some')) });
/** Something that is waited for. */
function signal<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const beyond = {
  async handlers() {
    const running: ((response: Response) => void)[] = [];
    const { server } = await world(() => new Promise((resolve) => running.push(resolve)));
    const raw = await Raw.open(server);
    const { value } = LIMITS.handlers;
    // rapid reset: no handler ends for that
    for (let i = 0; i < value; i++) {
      const id = await raw.request();
      await raw.told('sent', id); // the server has it, and has told who wanted to know
      raw.cancel(id);
    }
    expect(running).toHaveLength(value);
    const [first, gone, last] = [await raw.request(), await raw.request(), await raw.request()];
    for (const id of [first, gone, last]) await raw.told('sent', id);
    expect(running).toHaveLength(value);
    raw.cancel(gone);
    await raw.told('sent', await raw.request()); // after that the server knows of it
    running[0]!(new Response('nobody hears it'));
    running[1]!(new Response('nor this'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(running).toHaveLength(value + 2);
    running[value]!(new Response('first'));
    running[value + 1]!(new Response('last'));
    for (const id of [first, last]) expect(await raw.told('response', id)).toMatchObject({ status: 200 });
  },
  async requestTime() {
    const seen: string[] = [];
    const { server } = await world((request) => new Response(seen.push(request.url).toString()), { headersTimeoutMs: SOON });
    const raw = await Raw.open(server);
    const { connection } = raw.session;
    const id = connection.openStream('bidi')!;
    raw.listen(id);
    const frame = ByteWriter.growable(8);
    frame.varint(0x01);
    frame.varint(100);
    connection.write(raw.session.now, id, frame.written());
    raw.session.touched();
    expect(await raw.told('stopped', id)).toMatchObject({ code: code(LIMITS.requestTime) });
    await raw.told('response', await raw.request()); // others go on
    expect(seen).toHaveLength(1);
  },
  async deliveryTime() {
    const aborted = signal<unknown>();
    const answer = (request: Request): Response => {
      request.signal.addEventListener('abort', () => aborted.resolve(request.signal.reason));
      return new Response('x'.repeat(100_000));
    };
    const { server } = await world(answer, { bodyTimeoutMs: SOON });
    const raw = await Raw.open(server, { initialMaxStreamData: 1_000 });
    const id = await raw.request();
    expect(await raw.told('reset', id)).toMatchObject({ code: code(LIMITS.deliveryTime) });
    expect(await aborted.promise).toMatchObject({ name: 'TimeoutError' });
  },
  async closeTime() {
    const asked = signal<void>();
    const { server } = await world(() => {
      asked.resolve();
      return new Promise<Response>(() => {});
    });
    const raw = await Raw.open(server);
    await raw.request();
    await asked.promise;
    await server.close();
    while (raw.session.lost === undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(raw.session.lost.cause).toMatchObject({ kind: 'peer-application', code: code(LIMITS.closeTime) });
  },
  async bodyTime() {
    // a request that stands still: the handler may answer all the same
    const failed = signal<unknown>();
    const told = signal<unknown>();
    const answer: Handler = async (request) => {
      if (request.method === 'POST') {
        await request.text().catch(failed.resolve);
        return new Response(null, { status: 408 });
      }
      request.signal.addEventListener('abort', () => told.resolve(request.signal.reason));
      return new Response(endless());
    };
    const { server } = await world(answer, { bodyTimeoutMs: SOON });
    const raw = await Raw.open(server);
    const id = await raw.request(POST, false);
    raw.session.writeBody(id, utf8('some'));
    expect(await raw.told('stopped', id)).toMatchObject({ code: code(LIMITS.bodyTime) });
    expect(await failed.promise).toMatchObject({ name: 'TimeoutError' });
    expect(await raw.told('response', id)).toMatchObject({ status: 408 });
    // a response that the client does not take
    expect(await raw.told('reset', await raw.request())).toMatchObject({ code: code(LIMITS.bodyTime) });
    expect(await told.promise).toMatchObject({ name: 'TimeoutError' });

    // the same at a client: a response that stands still, and a request that the server does not take
    const aborted = signal<void>();
    const atClient = await world(
      (request) => {
        if (request.method === 'POST') return new Promise<Response>(() => {});
        request.signal.addEventListener('abort', () => aborted.resolve());
        return new Response(silent());
      },
      {},
      { bodyTimeoutMs: SOON },
    );
    await expect((await atClient.get()).text()).rejects.toMatchObject({ name: 'TimeoutError' });
    await aborted.promise;
    const posted = atClient.get({ method: 'POST', body: endless(), duplex: 'half' });
    await expect(posted).rejects.toMatchObject({ message: 'fetch failed', cause: { name: 'TimeoutError' } });
  },
  async responseTime() {
    const aborted = signal<void>();
    const { get } = await world(
      (request) =>
        new Promise<Response>(() => {
          request.signal.addEventListener('abort', () => aborted.resolve());
        }),
      {},
      { headersTimeoutMs: SOON },
    );
    for (const init of [{}, { method: 'POST', body: 'all of it' }])
      await expect(get(init)).rejects.toMatchObject({ message: 'fetch failed', cause: { name: 'TimeoutError' } });
    await aborted.promise;
  },
  async redirects() {
    let seen = 0;
    const { get } = await world(() => {
      seen++;
      return new Response(null, { status: 302, headers: { location: '/' } });
    });
    await expect(get()).rejects.toMatchObject({ message: 'fetch failed', cause: { message: 'too many redirects' } });
    expect(seen).toBe(LIMITS.redirects.value + 1);
  },
  async attempts() {
    let seen = 0;
    const { chain, privateKey } = serverCertificate(undefined, undefined, Date.now() * 1_000);
    const host = await Host.open({
      bind: { host: '127.0.0.1', port: 0 },
      handshake: serverHandshake({ provider: nodeProvider, certificates: chain, privateKey }),
      accept: () => (session, request) => {
        seen++;
        session.http.cancel(session.now, request.id, H3.REQUEST_REJECTED);
      },
      onFault: console.error,
    });
    const client = createClient({ verify: false });
    open.push(host, client);
    await expect(client.fetch(`https://127.0.0.1:${host.address.port}/`)).rejects.toMatchObject({ cause: { name: 'RequestRejected' } });
    expect(seen).toBe(LIMITS.attempts.value);
  },
  origins() {
    const resumption = new Resumption();
    for (let i = 0; i <= LIMITS.origins.value; i++) resumption.onAddress(`${i}`, '192.0.2.1');
    expect([resumption.take('0'), resumption.take('1')]).toEqual([{}, { address: '192.0.2.1' }]);
  },
  sessions() {
    const resumption = new Resumption();
    for (let i = 0; i <= LIMITS.sessions.value; i++) resumption.onSession('a', Uint8Array.of(i));
    for (let i = LIMITS.sessions.value; i > 0; i--) expect(resumption.take('a')).toEqual({ session: Uint8Array.of(i) });
    expect(resumption.take('a')).toEqual({});
  },
  sessionOctets() {
    const resumption = new Resumption();
    const { value } = LIMITS.sessionOctets;
    resumption.onToken('a', new Uint8Array(value));
    for (const what of ['onSession', 'onToken'] as const) resumption[what]('a', new Uint8Array(value + 1));
    expect(resumption.take('a')).toEqual({ token: new Uint8Array(value) });
  },
} satisfies Record<keyof typeof LIMITS, () => void | Promise<void>>;

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit (RFC 9114 §10.5)', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());
});

test('every limit says what becomes of what is beyond it, and why', () => {
  const outcomes: readonly Beyond[] = ['refused', 'oldest goes', 'dropped', 'waits'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table) {
    expect([name, limit.value > 0, limit.reason.length > 0]).toEqual([name, true, true]);
    expect(outcomes.includes(limit.beyond) || limit.beyond.replace('exchange: ', '') in H3).toBe(true);
  }
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value, unit, option, beyond, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${value.toLocaleString('en-US')} | ${unit} | ${beyond} | ${reason} |`,
  );
  const lines = [
    '# What a peer can make fetch() and serve() keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    'What HTTP/3 and QUIC limit is in the tables of `@quiclab/http3` and `@quiclab/quic`.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
