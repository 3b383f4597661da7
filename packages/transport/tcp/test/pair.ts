import { type Address, type Datagram, MILLISECOND, type Micros, NEVER, seededRandom, turn } from '@quiclab/sansio';
import {
  Observer,
  type Policies,
  Segment,
  type SegmentView,
  standardTcpPolicies,
  type TcpConfig,
  type TcpConnection,
  TcpEndpoint,
  type TcpEvent,
} from '@quiclab/tcp';
import { readSegment } from '../src/segment/codec.ts';

export const CLIENT = { host: '192.0.2.1', port: 50_000 };
export const SERVER = { host: '192.0.2.2', port: 443 };

/** A segment on its way: who sent it, as the nth of that side (from 1), and what it says. */
export interface Passing {
  readonly from: 'client' | 'server';
  readonly index: number;
  readonly at: Micros;
  readonly bytes: Uint8Array;
  readonly segment: Segment;
}

export interface PairOptions {
  readonly seed?: number;
  readonly oneWayDelay?: Micros;
  readonly config?: Partial<TcpConfig>;
  readonly serverConfig?: Partial<TcpConfig>;
  readonly policies?: Partial<Policies>;
  /** 'drop' loses a segment, a number delays it by so much more; octets may be changed in place. */
  fate?(passing: Passing): 'drop' | number | undefined;
}

/** Everything that an end's observer was told, in words. */
export class Log extends Observer {
  readonly sent: (SegmentView & { at: Micros })[] = [];
  readonly lines: string[] = [];
  override segmentSent(at: Micros, segment: SegmentView): void {
    this.sent.push({ ...segment, at });
  }
  override streamLost(now: Micros, offset: number, length: number, by: string): void {
    this.lines.push(`${now} lost ${offset}+${length} by ${by}`);
  }
  override streamSpurious(now: Micros, offset: number, length: number): void {
    this.lines.push(`${now} spurious ${offset}+${length}`);
  }
  override timeout(now: Micros, kind: string, count: number): void {
    if (kind !== 'ack') this.lines.push(`${now} ${kind} ${count}`);
  }
  override stateChanged(now: Micros, from: string, to: string): void {
    this.lines.push(`${now} ${from} > ${to}`);
  }
  override gateChanged(now: Micros, from: string, to: string): void {
    this.lines.push(`${now} gate ${from} > ${to}`);
  }
}

export interface Side {
  readonly name: 'client' | 'server';
  readonly endpoint: TcpEndpoint;
  readonly logs: Log[];
  readonly events: string[];
  connection: TcpConnection | undefined;
  read: number[];
  fin: boolean;
  sends: number;
}

/** Two endpoints, a constant delay between them and no rate: time goes from event to event. */
export class Pair {
  now: Micros = 0;
  readonly client: Side;
  readonly server: Side;
  readonly passed: Passing[] = [];
  /** Whether the sides read as soon as they can. */
  reads = true;
  onServerEvent: ((event: string, connection: TcpConnection) => void) | undefined = undefined;
  onClientEvent: ((event: string, connection: TcpConnection) => void) | undefined = undefined;
  readonly #options: PairOptions;
  readonly #delay: Micros;
  #wire: { due: Micros; order: number; to: Side; bytes: Uint8Array; local: Address; remote: Address }[] = [];
  #order = 0;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.#delay = options.oneWayDelay ?? 50 * MILLISECOND;
    const random = seededRandom(options.seed ?? 1);
    const side = (name: 'client' | 'server', host: string, config: Partial<TcpConfig>): Side => {
      const logs: Log[] = [];
      const policies: Policies = {
        ...standardTcpPolicies({ random: random.fork(name) }),
        observer: () => {
          logs.push(new Log());
          return logs.at(-1)!;
        },
        ...options.policies,
      };
      return {
        name,
        endpoint: new TcpEndpoint({ host, policies, config }),
        logs,
        events: [],
        connection: undefined,
        read: [],
        fin: false,
        sends: 0,
      };
    };
    this.client = side('client', CLIENT.host, options.config ?? {});
    this.server = side('server', SERVER.host, options.serverConfig ?? options.config ?? {});
    this.server.endpoint.listen(SERVER.port);
  }

  connect(): TcpConnection {
    const connection = this.client.endpoint.connect(this.now, { remote: SERVER, local: CLIENT });
    this.client.connection = connection;
    this.turn(this.client);
    return connection;
  }

  /** Another connection, from a port that is free. */
  connectAgain(): TcpConnection {
    const connection = this.client.endpoint.connect(this.now, { remote: SERVER });
    this.turn(this.client);
    return connection;
  }

  /** Gives a side its turn: after the application has called. */
  turn(side: Side): void {
    const slot: Datagram = { bytes: new Uint8Array(1_500), length: 0, local: CLIENT, remote: SERVER, ecn: 0 };
    turn(side.endpoint, this.now, { slot: () => slot, send: (filled) => this.#send(side, filled) }, (event) => this.#on(side, event));
  }

  turns(): void {
    this.turn(this.client);
    this.turn(this.server);
  }

  /** Hands a segment to a side as if it had come from the other, now. */
  inject(
    to: Side,
    bytes: Uint8Array,
    local: Address = to === this.client ? CLIENT : SERVER,
    remote: Address = to === this.client ? SERVER : CLIENT,
  ): void {
    to.endpoint.receive(this.now, { bytes, length: bytes.length, local, remote, ecn: 0 });
    this.turn(to);
  }

  get next(): Micros {
    return Math.min(this.client.endpoint.nextTimeout(), this.server.endpoint.nextTimeout(), ...this.#wire.map(({ due }) => due));
  }

  step(): boolean {
    const next = this.next;
    if (next === NEVER) return false;
    this.now = Math.max(this.now, next);
    this.#wire.sort((a, b) => a.due - b.due || a.order - b.order);
    const first = this.#wire[0];
    if (first !== undefined && first.due <= this.now) {
      this.#wire.shift();
      this.inject(first.to, first.bytes, first.local, first.remote);
      return true;
    }
    this.turn(this.client.endpoint.nextTimeout() <= this.now ? this.client : this.server);
    return true;
  }

  run(until: Micros = NEVER, goOn: () => boolean = () => true): this {
    for (let steps = 0; goOn() && this.next <= until && this.step(); steps++)
      if (steps > 1_000_000) throw new Error(`no end at ${this.now}`);
    if (until < NEVER) this.now = Math.max(this.now, until);
    return this;
  }

  /** Connects, and lets the handshake finish on both sides. */
  /** What a side has sent: when, its flags, its data as offset+length, what it acknowledges. */
  said(side: Side): string[] {
    return side.logs.flatMap(({ sent }) => sent).map(inWords);
  }

  /** The same, data alone. */
  data(side: Side): string[] {
    return side.logs
      .flatMap(({ sent }) => sent)
      .filter(({ length, fin }) => length > 0 || fin)
      .map(({ at, offset, length, fin }) => `${at} ${offset}+${length}${fin ? ' fin' : ''}`);
  }

  handshake(): this {
    this.connect();
    return this.run(NEVER, () => this.server.connection === undefined);
  }

  /** Writes all, whenever there is room, then finishes. */
  sendAll(from: Side, octets: number, finish = true): void {
    let written = 0;
    const more = (connection: TcpConnection): void => {
      while (written < octets) {
        const piece = pattern(written, Math.min(65_536, octets - written));
        const taken = connection.write(this.now, piece);
        written += taken;
        if (taken < piece.length) return;
      }
      if (finish) connection.finish(this.now);
    };
    const listen = (event: string, connection: TcpConnection): void => {
      if (event === 'writable') more(connection);
    };
    if (from === this.client) this.onClientEvent = listen;
    else this.onServerEvent = listen;
    more(from.connection!);
    this.turn(from);
  }

  #send(side: Side, filled: Datagram): void {
    const bytes = filled.bytes.slice(0, filled.length);
    const segment = new Segment();
    if (readSegment(bytes, bytes.length, segment) !== '') throw new Error('a segment was sent that cannot be read');
    const passing: Passing = { from: side.name, index: ++side.sends, at: this.now, bytes, segment };
    this.passed.push(passing);
    const fate = this.#options.fate?.(passing);
    if (fate === 'drop') return;
    const to = side === this.client ? this.server : this.client;
    this.#wire.push({
      due: this.now + this.#delay + (fate ?? 0),
      order: this.#order++,
      to,
      bytes,
      local: filled.remote,
      remote: filled.local,
    });
  }

  #on(side: Side, { type, connection }: TcpEvent): void {
    if (type !== 'active') {
      side.events.push(`${this.now} ${type}`);
      if (type === 'accepted') side.connection = connection;
      return;
    }
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type === 'readable') {
        if (this.reads) this.readAll(side, connection);
      } else if (event.type === 'closed') side.events.push(`${this.now} closed ${event.clean ? 'clean' : event.reason}`);
      const told = side === this.client ? this.onClientEvent : this.onServerEvent;
      told?.(event.type, connection);
    }
  }

  readAll(side: Side, connection: TcpConnection = side.connection!): void {
    for (let piece = connection.read(this.now); piece !== undefined; piece = connection.read(this.now)) {
      for (const octet of piece.data) side.read.push(octet);
      side.fin ||= piece.fin;
    }
  }
}

function inWords(segment: SegmentView & { at: Micros }): string {
  const { at, syn, fin, rst, offset, length, acknowledged } = segment;
  const flags = `${syn ? 'syn ' : ''}${fin ? 'fin ' : ''}${rst ? 'rst ' : ''}`;
  return `${at} ${flags}${length > 0 ? `${offset}+${length} ` : ''}${acknowledged >= 0 ? `ack ${acknowledged}` : ''}`.trim();
}

/** Octets whose values tell where they belong. */
export function pattern(offset: number, length: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let i = 0; i < length; i++) octets[i] = (offset + i) % 251;
  return octets;
}

/** Whether octets are the first `length` of the pattern, in order and each once. */
export const isPattern = (octets: readonly number[], length: number): boolean =>
  octets.length === length && octets.every((octet, i) => octet === i % 251);
