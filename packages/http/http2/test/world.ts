import { ByteWriter, concat, fromHex, sameBytes } from '@quiclab/bytes';
import { HpackDecoder, HpackEncoder } from '@quiclab/hpack';
import type { HttpEvent } from '@quiclab/http-semantics';
import { Http2Connection, type Http2Options } from '@quiclab/http2';
import type { Random } from '@quiclab/sansio';
import { expect } from 'vitest';
import { type FakeOptions, type FakeStream, fakePair } from './fake-stream.ts';

export type Fields = readonly (readonly [string, string])[];
export type Side = 'client' | 'server';
export type Options = Omit<Http2Options, 'side' | 'transport'>;

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
  readonly http: Http2Connection;
  readonly transport: FakeStream;
  readonly told: HttpEvent[] = [];
  now = 0;
  /** Called for each event, as an application would act on it. */
  onEvent: (event: HttpEvent) => void = () => {};

  constructor(http: Http2Connection, transport: FakeStream) {
    this.http = http;
    this.transport = transport;
  }

  /** Whether anything happened. */
  turn(): boolean {
    let happened = false;
    for (let event = this.transport.events.shift(); event !== undefined; event = this.transport.events.shift()) {
      this.http.onTransport(this.now, event);
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
    for (let piece = this.http.readBody(this.now, id); piece !== undefined; piece = this.http.readBody(this.now, id)) {
      pieces.push(piece.data);
      fin = piece.fin;
    }
    return { data: concat(...pieces), fin };
  }
}

export function run(...ends: (End | FakeStream)[]): void {
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

export interface Pair {
  readonly client: End;
  readonly server: End;
  run(): void;
}

/** Client and server, both ours, started. */
export function http2Pair(transport: FakeOptions = {}, both: Options = {}, each: { client?: Options; server?: Options } = {}): Pair {
  const transports = fakePair(transport);
  const make = (side: Side): End => {
    const end = new End(new Http2Connection({ side, transport: transports[side], ...both, ...each[side] }), transports[side]);
    end.http.start(0);
    return end;
  };
  const [client, server] = [make('client'), make('server')];
  return { client, server, run: () => run(client, server) };
}

/** A frame as it was found on a stream of octets. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
  /** Of a field block that is in one frame. */
  readonly fields?: Fields;
}

/** What the other end of one of ours says and hears, by hand. */
export class Raw {
  readonly transport: FakeStream;
  readonly encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder();
  #read = 0;

  constructor(transport: FakeStream) {
    this.transport = transport;
  }

  say(...frames: Uint8Array[]): void {
    const octets = concat(...frames);
    for (let at = 0; at < octets.length; ) {
      const taken = this.transport.write(0, octets.subarray(at));
      at += taken;
      if (taken === 0 && !this.transport.deliver()) throw new Error('nobody takes what is said');
    }
  }

  /** A header section in one frame, from the connection's own encoder. */
  headers(stream: number, fields: Fields, end = false): Uint8Array {
    return frame(0x01, 0x04 | (end ? 1 : 0), stream, this.block(fields));
  }

  block(fields: Fields): Uint8Array {
    const writer = ByteWriter.growable();
    this.encoder.encode(writer, fields);
    return writer.written();
  }

  /** The frames that were heard since the last time. */
  hear(): Frame[] {
    let octets = this.transport.peer.said().subarray(this.#read);
    if (this.#read === 0 && octets[0] === 0x50) {
      octets = octets.subarray(24); // the preface
      this.#read = 24;
    }
    const frames: Frame[] = [];
    let at = 0;
    while (octets.length - at >= 9) {
      const length = (octets[at]! << 16) | (octets[at + 1]! << 8) | octets[at + 2]!;
      if (octets.length - at < 9 + length) break;
      const [type, flags] = [octets[at + 3]!, octets[at + 4]!];
      const stream = (octets[at + 5]! << 24) | (octets[at + 6]! << 16) | (octets[at + 7]! << 8) | octets[at + 8]!;
      const payload = octets.subarray(at + 9, at + 9 + length);
      at += 9 + length;
      if (type === 1 && (flags & 4) !== 0) frames.push({ type, flags, stream, payload, fields: this.#decoder.decode(payload)! });
      else frames.push({ type, flags, stream, payload });
    }
    this.#read += at;
    return frames;
  }
}

/** One of ours, started, and its peer by hand, which has said its preface unless told otherwise. What is heard begins after all that. */
export function http2Against(
  side: Side,
  options: Options & { readonly preface?: false; readonly settings?: string; readonly transport?: FakeOptions } = {},
): { end: End; raw: Raw; run(): void } {
  const { preface, settings, transport, ...own } = options;
  const pair = fakePair(transport);
  const end = new End(new Http2Connection({ side, transport: pair[side], ...own }), pair[side]);
  end.http.start(0);
  const raw = new Raw(pair[side === 'client' ? 'server' : 'client']);
  const all = (): void => run(end, raw.transport);
  all();
  if (preface !== false) {
    if (side === 'server') raw.say(PREFACE);
    raw.say(frame(0x04, 0, 0, settings ?? ''), frame(0x04, 1, 0));
    all();
    raw.hear();
  }
  return { end, raw, run: all };
}

export const PREFACE = fromHex('505249202a20485454502f322e300d0a0d0a534d0d0a0d0a');

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ''): Uint8Array {
  const octets = typeof payload === 'string' ? fromHex(payload) : payload;
  const header = Uint8Array.of(0, octets.length >>> 8, octets.length, type, flags, ...fourOctets(stream));
  header[0] = octets.length >>> 16;
  return concat(header, octets);
}

export const fourOctets = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
export const uint32 = (...values: number[]): Uint8Array => Uint8Array.from(values.flatMap(fourOctets));
export const data = (stream: number, octets: Uint8Array | string, end = false): Uint8Array => frame(0, end ? 1 : 0, stream, octets);
export const reset = (stream: number, code: number): Uint8Array => frame(3, 0, stream, uint32(code));
export const windowUpdate = (stream: number, by: number): Uint8Array => frame(8, 0, stream, uint32(by));
export const times = (count: number, octets: Uint8Array): Uint8Array => concat(...Array.from({ length: count }, () => octets));

/** Octets that say where they are. */
export function pattern(length: number, random?: Random): Uint8Array {
  const octets = new Uint8Array(length);
  if (random === undefined) for (let i = 0; i < length; i++) octets[i] = (i * 31 + (i >>> 8)) & 0xff;
  else random.fill(octets);
  return octets;
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
    expect(id).toBe(2 * i + 1);
    jobs.up.set(id, { data, at: 0 });
    write(client, id);
  });
  settle();
  bodies.forEach((body, i) => {
    expect(whole.has(2 * i + 1)).toBe(true);
    expect(sameBytes(concat(...(received.get(2 * i + 1) ?? [])), body)).toBe(true);
  });
  expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  expect([...client.told, ...server.told].filter(({ type }) => type === 'failed' || type === 'reset' || type === 'closed')).toEqual([]);
}
