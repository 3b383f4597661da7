import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import type { HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import { H3_ALPN, Http3Connection } from '@quiclab/http3';
import { type HttpHandler, QuicCarrier, runSimulated } from '@quiclab/lab';
import { World } from '@quiclab/netsim';
import { type Connection, Endpoint, type EndpointEvent, Observer, type Policies, standardPolicies } from '@quiclab/quic';
import { MILLISECOND, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { oneStreamPerPacket, roundRobinByByte, sequential, strictUrgency, weightedFair } from '@quiclab/streams';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { definePage } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

// From the Priority field, PRIORITY_UPDATE and the response to the order in which octets come out at the other end. RFC 9218.

interface Asked {
  readonly size: number;
  /** The Priority field of the request, and of the response; '' for none. */
  readonly priority: string;
  readonly answered?: string;
}

/** Sends octets as fast as they are taken. */
class Origin implements HttpHandler {
  readonly #asked: readonly Asked[];
  readonly #left = new Map<number, number>();
  constructor(asked: readonly Asked[]) {
    this.#asked = asked;
  }
  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    if (event.type === 'request') {
      const { size, answered = '' } = this.#asked[event.id / 4]!;
      http.respond(now, event.id, [[':status', '200'], ...(answered === '' ? [] : [['priority', answered] as const])], false);
      this.#left.set(event.id, size);
    }
    if (event.type !== 'request' && event.type !== 'body-writable') return;
    const left = this.#left.get(event.id)!;
    const taken = http.writeBody(now, event.id, new Uint8Array(left));
    this.#left.set(event.id, left - taken);
    if (taken === left) http.finish(now, event.id);
  }
}

/** Asks for everything at once, and changes its mind when the first octet has come. */
class Asker implements HttpHandler {
  readonly finished: number[] = [];
  readonly #asked: readonly Asked[];
  readonly #update: { readonly index: number; readonly urgency: number } | undefined;
  #updated = false;
  constructor(asked: readonly Asked[], update?: { readonly index: number; readonly urgency: number }) {
    this.#asked = asked;
    this.#update = update;
  }
  onReady(now: Micros, http: HttpConnection): void {
    for (const { priority } of this.#asked)
      http.request(
        now,
        [
          [':method', 'GET'],
          [':scheme', 'https'],
          [':authority', 'server.test'],
          [':path', '/'],
          ...(priority === '' ? [] : [['priority', priority] as const]),
        ],
        true,
      );
  }
  onHttp(now: Micros, http: HttpConnection, event: HttpEvent): void {
    if (event.type !== 'body-readable') return;
    if (this.#update !== undefined && !this.#updated) {
      this.#updated = true;
      http.prioritize(now, 4 * this.#update.index, { urgency: this.#update.urgency, incremental: false });
    }
    for (let piece = http.readBody(now, event.id); piece !== undefined; piece = http.readBody(now, event.id))
      if (piece.fin) this.finished.push(event.id / 4);
  }
}

const identity = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 3_650 * 86_400 * SECOND,
  padTo: 1_500,
  random: seededRandom('priorities'),
});
const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const provider = nullProtection(nodeProvider);

/** Whose octets came one after the other. */
class Arrivals extends Observer {
  readonly #came: number[];
  constructor(came: number[]) {
    super();
    this.#came = came;
  }
  override streamArrived(_now: Micros, stream: number): void {
    if (stream % 4 === 0 && this.#came.at(-1) !== stream / 4) this.#came.push(stream / 4);
  }
}

/** @returns the order in which the responses were complete, and whose octets came one after the other; both by number, from 0 */
function fetchAll(
  scheduler: Policies['scheduler'],
  asked: readonly Asked[],
  update?: { readonly index: number; readonly urgency: number },
): { finished: readonly number[]; came: readonly number[] } {
  const random = seededRandom('priorities in a world');
  const came: number[] = [];
  const asker = new Asker(asked, update);
  const client = new Endpoint({
    policies: {
      ...standardPolicies({
        random: random.fork('client'),
        crypto: provider,
        handshake: clientHandshake({ provider, trust: { ca: [identity.certificate] } }),
      }),
      scheduler: () => roundRobinByByte(), // all requests in one packet
      observer: () => new Arrivals(came),
    },
  });
  const { certificate, privateKey } = identity;
  const server = new Endpoint({
    policies: {
      ...standardPolicies({
        random: random.fork('server'),
        crypto: provider,
        handshake: serverHandshake({ provider, certificates: [certificate], privateKey }),
      }),
      scheduler,
    },
    accept: { alpn: [H3_ALPN] },
  });
  const connection = client.connect(0, { remote: SERVER, serverName: 'server.test', alpn: [H3_ALPN] });
  const app = (transport: Connection, side: 'client' | 'server', handler: HttpHandler): QuicCarrier =>
    new QuicCarrier(transport, () => new Http3Connection({ side, transport }), handler);
  const ours = app(connection, 'client', asker);
  let theirs: QuicCarrier | undefined;
  const world = new World({ random });
  const near = world.addHost({
    address: CLIENT,
    machine: client,
    handle: (event: EndpointEvent, now: Micros) => event.type === 'active' && ours.pump(now),
  });
  const far = world.addHost({
    address: SERVER,
    machine: server,
    handle: (event: EndpointEvent, now: Micros) => {
      if (event.type === 'accepted') theirs = app(event.connection, 'server', new Origin(asked));
      else if (event.type === 'active') theirs!.pump(now);
    },
  });
  const link = { delay: 10 * MILLISECOND, rate: 10_000_000, queue: { packets: 100 } };
  world.connect(near, far, link, link);
  near.turn();
  world.run({ until: 60 * SECOND, while: () => asker.finished.length < asked.length });
  return { finished: asker.finished, came };
}

const strict = (): ReturnType<typeof strictUrgency> => strictUrgency();
const SIZE = 60_000;

describe('a server with strict urgency (RFC 9218 §10)', () => {
  test('serves the most urgent first, and one after the other', () => {
    const asked = ['u=7', '', 'u=5', 'u=0', 'u=5'].map((priority) => ({ size: SIZE, priority }));
    expect(fetchAll(strict, asked)).toEqual({ finished: [3, 1, 2, 4, 0], came: [3, 1, 2, 4, 0] });
  });

  test('shares between incremental ones', () => {
    const asked = ['u=4, i', 'u=4, i', 'u=1', 'u=4, i'].map((priority) => ({ size: SIZE, priority }));
    const { finished, came } = fetchAll(strict, asked);
    expect(finished).toEqual([2, 0, 1, 3]);
    // the urgent one, then some forty turns of each other
    expect(came.slice(0, 10)).toEqual([2, 0, 1, 3, 0, 1, 3, 0, 1, 3]);
    expect(came.length).toBeGreaterThan(100);
  });

  test('lets neither kind wait for the other', () => {
    const large = { size: 10 * SIZE, priority: '' };
    expect(fetchAll(strict, [large, { size: SIZE, priority: 'i' }]).finished).toEqual([1, 0]);
    expect(
      fetchAll(strict, [
        { ...large, priority: 'i' },
        { size: SIZE, priority: '' },
      ]).finished,
    ).toEqual([1, 0]);
  });

  test('follows PRIORITY_UPDATE while the responses are on their way (§7)', () => {
    const asked = [
      { size: 5 * SIZE, priority: '' },
      { size: 5 * SIZE, priority: '' },
      { size: 5 * SIZE, priority: '' },
    ];
    expect(fetchAll(strict, asked).finished).toEqual([0, 1, 2]);
    expect(fetchAll(strict, asked, { index: 2, urgency: 1 }).finished).toEqual([2, 0, 1]);
  });

  test('… also of responses that the transport holds whole', () => {
    const asked = Array.from({ length: 6 }, () => ({ size: 30_000, priority: '' }));
    expect(fetchAll(strict, asked).finished).toEqual([0, 1, 2, 3, 4, 5]);
    expect(fetchAll(strict, asked, { index: 5, urgency: 0 }).finished).toEqual([5, 0, 1, 2, 3, 4]);
  });

  test('follows what the response says of itself (§8)', () => {
    const asked = [
      { size: SIZE, priority: 'u=2' },
      { size: SIZE, priority: 'u=6', answered: 'u=1' },
    ];
    expect(fetchAll(strict, asked).finished).toEqual([1, 0]);
  });
});

test('other schedulers make of the same priorities what they make of them', () => {
  const asked = ['u=7', 'u=3', 'u=0'].map((priority) => ({ size: 2 * SIZE, priority }));
  expect(fetchAll(() => sequential(), asked).finished).toEqual([0, 1, 2]);
  expect(fetchAll(() => weightedFair(), asked).finished).toEqual([2, 1, 0]);
  expect(fetchAll(() => weightedFair({ weight: (id) => (id === 4 ? 100 : 1) }), asked).finished[0]).toBe(1);
  expect(fetchAll(() => oneStreamPerPacket(strictUrgency()), asked).came).toEqual([2, 1, 0]);
});

test("a page's objects come by their urgency", () => {
  const page = definePage({
    name: 'urgencies',
    objects: [6, 1, 4, 0].map((urgency) => ({ path: `/${urgency}`, size: SIZE, priority: { urgency, incremental: false } })),
  });
  const link = { delay: 10 * MILLISECOND, rate: 10_000_000, queue: { packets: 100 } };
  const record = runSimulated({
    model: 'h3',
    seed: 1,
    page,
    source: () => new Uint8Array(SIZE),
    links: { up: link, down: link },
    ends: { crypto: provider, policies: { scheduler: strict } },
    clientPolicies: { scheduler: () => roundRobinByByte() },
  });
  const order = [...record.objects].sort((a, b) => a.completedAt - b.completedAt).map(({ id }) => id);
  expect(order).toEqual(['/0', '/1', '/4', '/6']);
});
