import { ByteWriter, concat, fromHex, sameBytes } from '@quiclab/bytes';
import type { FrameObserver, HttpEvent, HttpOver } from '@quiclab/http-semantics';
import { Http3Connection, type StreamEvent } from '@quiclab/http3';
import { QpackDecoder, QpackEncoder } from '@quiclab/qpack';
import type { Random } from '@quiclab/sansio';
import { expect } from 'vitest';
import { type FakeOptions, type FakeStreams, fakePair } from './fake-streams.ts';

export type Fields = readonly (readonly [string, string])[];

export const GET: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'example.com'],
  [':path', '/'],
];
export const POST: Fields = [[':method', 'POST'], ...GET.slice(1)];
export const OK: Fields = [[':status', '200']];

/** One HTTP connection on one end of a pretended transport, and what it told. */
export class End {
  readonly http: HttpOver<StreamEvent>;
  readonly transport: FakeStreams;
  readonly told: HttpEvent[] = [];
  /** Called for each event, as an application would act on it. */
  onEvent: (event: HttpEvent) => void = () => {};

  constructor(http: HttpOver<StreamEvent>, transport: FakeStreams) {
    this.http = http;
    this.transport = transport;
  }

  /** Whether anything happened. */
  turn(): boolean {
    let happened = false;
    for (let event = this.transport.events.shift(); event !== undefined; event = this.transport.events.shift()) {
      this.http.onTransport(0, event);
      happened = true;
    }
    for (let event = this.http.pollEvent(); event !== undefined; event = this.http.pollEvent()) {
      this.told.push(event);
      this.onEvent(event);
      happened = true;
    }
    return happened;
  }

  events<T extends HttpEvent['type']>(type: T): Extract<HttpEvent, { type: T }>[] {
    return this.told.filter((event): event is Extract<HttpEvent, { type: T }> => event.type === type);
  }

  /** Reads what there is to read of a body. */
  readAll(id: number): { data: Uint8Array; fin: boolean } {
    const pieces: Uint8Array[] = [];
    let fin = false;
    for (let piece = this.http.readBody(0, id); piece !== undefined; piece = this.http.readBody(0, id)) {
      pieces.push(piece.data);
      fin = piece.fin;
    }
    return { data: concat(...pieces), fin };
  }
}

export function run(...ends: (End | FakeStreams)[]): void {
  for (let rounds = 0; ; rounds++) {
    if (rounds > 1_000_000) throw new Error('the exchange does not come to rest');
    let happened = false;
    for (const end of ends) {
      if (end instanceof End) happened = end.turn() || happened;
      happened = ('transport' in end ? end.transport : end).deliver() || happened;
    }
    if (!happened) return;
  }
}

export interface WorldOptions extends FakeOptions {
  readonly maxFieldSectionSize?: number;
  /** The server takes CONNECT with :protocol. */
  readonly enableConnectProtocol?: boolean;
  readonly tableCapacity?: number;
  readonly blockedStreams?: number;
  readonly clientObserver?: FrameObserver;
  readonly serverObserver?: FrameObserver;
}

const limitsOf = ({ maxFieldSectionSize, tableCapacity, blockedStreams }: WorldOptions) => ({
  ...(maxFieldSectionSize !== undefined && { maxFieldSectionSize }),
  ...(tableCapacity !== undefined && { tableCapacity }),
  ...(blockedStreams !== undefined && { blockedStreams }),
});

/** Client and server, both ours, started. */
export function http3Pair(options: WorldOptions = {}): { client: End; server: End; run(): void } {
  const transports = fakePair(options);
  const limits = limitsOf(options);
  const observers = [options.clientObserver, options.serverObserver].map((observer) => (observer === undefined ? {} : { observer }));
  const client = new End(
    new Http3Connection({ side: 'client', transport: transports.client, ...limits, ...observers[0] }),
    transports.client,
  );
  const server = new End(
    new Http3Connection({
      side: 'server',
      transport: transports.server,
      enableConnectProtocol: options.enableConnectProtocol ?? false,
      ...limits,
      ...observers[1],
    }),
    transports.server,
  );
  client.http.start(0);
  server.http.start(0);
  return { client, server, run: () => run(client, server) };
}

/** One of our connections, and across from it bare streams on which a test may say anything. */
export function http3Against(
  side: 'client' | 'server',
  options: WorldOptions & { readonly controlStream?: boolean; readonly settings?: readonly (readonly [number, number])[] } = {},
): { end: End; raw: FakeStreams; control: number; run(): void } {
  const { client, server } = fakePair(options);
  const [ours, raw] = side === 'client' ? [client, server] : [server, client];
  const observer = side === 'client' ? options.clientObserver : options.serverObserver;
  const limits = limitsOf(options);
  const end = new End(new Http3Connection({ side, transport: ours, ...limits, ...(observer && { observer }) }), ours);
  end.http.start(0);
  const all = (): void => run(end, raw);
  all();
  const control = raw.openStream('uni')!;
  if (options.controlStream !== false)
    raw.write(0, control, concat(Uint8Array.of(0), frame(0x04, concat(...(options.settings ?? []).flat().map(varint)))));
  all();
  return { end, raw, control, run: all };
}

export function varint(value: number): Uint8Array {
  const writer = ByteWriter.growable(8);
  writer.varint(value);
  return writer.written();
}

export function frame(type: number, payload: Uint8Array | string = new Uint8Array(0)): Uint8Array {
  const octets = typeof payload === 'string' ? fromHex(payload) : payload;
  return concat(varint(type), varint(octets.length), octets);
}

export function section(fields: Fields): Uint8Array {
  const writer = ByteWriter.growable();
  new QpackEncoder().encode(writer, fields);
  return writer.written();
}

export const headers = (fields: Fields): Uint8Array => frame(0x01, section(fields));
export const data = (octets: Uint8Array | string): Uint8Array => frame(0x00, octets);

/** The frames in octets, by type; field sections decoded. */
export function framesIn(octets: Uint8Array): { type: number; payload: Uint8Array; fields?: Fields }[] {
  const frames: { type: number; payload: Uint8Array; fields?: Fields }[] = [];
  let at = 0;
  const number = (): number => {
    const size = 1 << (octets[at]! >>> 6);
    let value = octets[at]! & 0x3f;
    for (let i = 1; i < size; i++) value = value * 256 + octets[at + i]!;
    at += size;
    return value;
  };
  while (at < octets.length) {
    const type = number();
    const length = number();
    const payload = octets.subarray(at, at + length);
    if (payload.length < length) throw new Error(`a frame of ${length} octets has ${payload.length}`);
    at += length;
    frames.push(type === 1 ? { type, payload, fields: new QpackDecoder().decode(payload) as Fields } : { type, payload });
  }
  return frames;
}

/** Octets that say where they are. */
export function pattern(length: number, random?: Random): Uint8Array {
  const octets = new Uint8Array(length);
  if (random === undefined) for (let i = 0; i < length; i++) octets[i] = (i * 31 + (i >>> 8)) & 0xff;
  else random.fill(octets);
  return octets;
}

export interface Pair {
  readonly client: End;
  readonly server: End;
  run(): void;
}

/** Sends all bodies at once, has the server send each one back, and checks that they come back and that nothing is left over. */
export function echoAll({ client, server, run: settle }: Pair, bodies: readonly Uint8Array[]): void {
  const echo = new Map<number, Uint8Array[]>();
  const received = new Map<number, Uint8Array[]>();
  const whole = new Set<number>();
  const jobs = { up: new Map<number, { data: Uint8Array; at: number }>(), down: new Map<number, { data: Uint8Array; at: number }>() };
  const write = (end: End, id: number): void => {
    const queue = end === client ? jobs.up : jobs.down;
    const job = queue.get(id);
    if (job === undefined) return;
    job.at += end.http.writeBody(0, id, job.data.subarray(job.at));
    if (job.at < job.data.length) return;
    queue.delete(id);
    end.http.finish(0, id);
  };
  const read = (end: End, id: number, into: Map<number, Uint8Array[]>): boolean => {
    const pieces = into.get(id) ?? [];
    into.set(id, pieces);
    for (let piece = end.http.readBody(0, id); piece !== undefined; piece = end.http.readBody(0, id)) {
      pieces.push(piece.data);
      if (piece.fin) return true;
    }
    return false;
  };
  const answer = (id: number): void => {
    server.http.respond(0, id, OK, false);
    jobs.down.set(id, { data: concat(...(echo.get(id) ?? [])), at: 0 });
    write(server, id);
  };
  server.onEvent = (event) => {
    if (event.type === 'request' && event.end) answer(event.id);
    if (event.type === 'body-readable' && read(server, event.id, echo)) answer(event.id);
    if (event.type === 'body-writable') write(server, event.id);
  };
  client.onEvent = (event) => {
    if (event.type === 'response' && event.end) whole.add(event.id);
    if (event.type === 'body-readable' && read(client, event.id, received)) whole.add(event.id);
    if (event.type === 'body-writable') write(client, event.id);
  };
  bodies.forEach((data, i) => {
    const id = client.http.request(0, POST, false)!;
    expect(id).toBe(4 * i);
    jobs.up.set(id, { data, at: 0 });
    write(client, id);
  });
  settle();
  bodies.forEach((body, i) => {
    expect(whole.has(4 * i)).toBe(true);
    expect(sameBytes(concat(...(received.get(4 * i) ?? [])), body)).toBe(true);
  });
  expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  expect([...client.told, ...server.told].filter(({ type }) => type === 'failed' || type === 'reset' || type === 'closed')).toEqual([]);
}
