import type { Connection, ConnectionEvent } from '@quiclab/quic';
import { adaptiveThreshold, type LossDetector, type SentPackets, Space } from '@quiclab/recovery';
import { fraction, integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import {
  isBidi,
  isClientInitiated,
  oneStreamPerPacket,
  roundRobinByByte,
  roundRobinByPacket,
  sequential,
  strictUrgency,
  weightedFair,
} from '@quiclab/streams';
import { Pair } from './pair.ts';
import { plainPolicies } from './plain-handshake.ts';

const PLAY = 3_000_000;
const END = 600_000_000;
const MOST_STREAMS = 25;

/** The octet of a stream at an offset: any reader can tell whether it is the right one. */
const octet = (id: number, offset: number): number => (id * 31 + offset * 7 + (offset >> 8)) & 0xff;

/** An application at one end that does as it likes with its streams. */
class Player {
  readonly sent = new Map<number, { octets: number; state: 'open' | 'finished' | 'given up' }>();
  readonly read = new Map<number, { octets: number; state: 'open' | 'finished' | 'given up' }>();
  readonly #side: 'client' | 'server';
  readonly #random: Random;
  #opened = 0;

  constructor(side: 'client' | 'server', random: Random) {
    this.#side = side;
    this.#random = random;
  }

  onEvent(pair: Pair, connection: Connection, event: ConnectionEvent): void {
    if (event.type === 'stream-opened') this.#take(event.id);
    if (event.type === 'stream-reset') this.#end(this.read, event.id, 'given up');
    if (event.type === 'stream-stopped') this.#end(this.sent, event.id, 'given up');
    if (event.type === 'stream-readable' && fraction(this.#random) < 0.7) this.#readSome(pair, connection, event.id);
    if (event.type === 'closed') throw new Error(`the ${this.#side} closed: ${JSON.stringify(event.cause)}`);
  }

  /** One thing or another. */
  act(pair: Pair, connection: Connection): void {
    const draw = integerBelow(this.#random, 100);
    const [sending, reading] = [this.#any(this.sent), this.#any(this.read)];
    if (draw < 15 && this.#opened < MOST_STREAMS) {
      const id = connection.openStream(draw % 2 === 0 ? 'bidi' : 'uni');
      if (id === undefined) return;
      this.#opened++;
      this.#take(id);
    } else if (draw < 60 && sending !== undefined) this.#write(pair, connection, sending, integerBelow(this.#random, 5_000));
    else if (draw < 70 && sending !== undefined) {
      connection.finish(sending);
      this.#end(this.sent, sending, 'finished');
    } else if (draw < 73 && sending !== undefined) {
      connection.reset(sending, draw);
      this.#end(this.sent, sending, 'given up');
    } else if (draw < 76 && reading !== undefined) {
      connection.stopSending(reading, draw);
      this.#end(this.read, reading, 'given up');
    } else if (draw < 78) connection.updateKeys();
    else if (draw < 80 && sending !== undefined) connection.prioritize(sending, { urgency: draw % 8, incremental: true });
    else if (reading !== undefined) this.#readSome(pair, connection, reading);
  }

  /** No more of this: everything is finished, and everything is read. */
  windUp(pair: Pair, connection: Connection): void {
    for (const [id, stream] of this.sent)
      if (stream.state === 'open') {
        connection.finish(id);
        stream.state = 'finished';
      }
    for (const [id, stream] of this.read) if (stream.state === 'open') this.#readSome(pair, connection, id);
  }

  #take(id: number): void {
    const ours = isClientInitiated(id) === (this.#side === 'client');
    if (ours || isBidi(id)) this.sent.set(id, { octets: 0, state: 'open' });
    if (!ours || isBidi(id)) this.read.set(id, { octets: 0, state: 'open' });
  }

  #write(pair: Pair, connection: Connection, id: number, length: number): void {
    const stream = this.sent.get(id)!;
    const data = new Uint8Array(length);
    for (let i = 0; i < length; i++) data[i] = octet(id, stream.octets + i);
    stream.octets += connection.write(pair.now, id, data);
  }

  #readSome(pair: Pair, connection: Connection, id: number): void {
    const stream = this.read.get(id)!;
    for (let piece = connection.read(pair.now, id); piece !== undefined; piece = connection.read(pair.now, id)) {
      for (let i = 0; i < piece.data.length; i++)
        if (piece.data[i] !== octet(id, stream.octets + i)) throw new Error(`stream ${id} has a wrong octet at ${stream.octets + i}`);
      stream.octets += piece.data.length;
      if (piece.fin) stream.state = 'finished';
    }
  }

  #end(streams: Player['sent'], id: number, state: 'finished' | 'given up'): void {
    streams.get(id)!.state = state;
  }

  #any(streams: Player['sent']): number | undefined {
    const open = [...streams].filter(([, stream]) => stream.state === 'open').map(([id]) => id);
    return open.length === 0 ? undefined : open[integerBelow(this.#random, open.length)];
  }
}

/** Sums up what the loss detector of one end can see: once the handshake is over, bytes in flight must be the same (RFC 9002 §2). */
class Outstanding {
  #sent: SentPackets | undefined = undefined;

  detector = (space: Space): LossDetector => {
    const inner = adaptiveThreshold();
    return {
      get packetThreshold() {
        return inner.packetThreshold;
      },
      detect: (now, sent, rtt) => {
        if (space === Space.APPLICATION) this.#sent = sent;
        return inner.detect(now, sent, rtt);
      },
      onSpuriousLoss: (packet, largestAcked, now) => inner.onSpuriousLoss(packet, largestAcked, now),
    };
  };

  /** undefined before the first ACK. */
  get octets(): number | undefined {
    if (this.#sent === undefined) return undefined;
    let sum = 0;
    for (let packet = this.#sent.oldest(); packet !== undefined; packet = this.#sent.after(packet.packetNumber)) sum += packet.bytes;
    return sum;
  }
}

const SCHEDULERS = [oneStreamPerPacket, () => roundRobinByByte(700), sequential, strictUrgency, weightedFair, roundRobinByPacket].map(
  (create) => () => create(),
);

/**
 * Two applications that open, write, finish, reset, stop, prioritize and update keys as the dice fall, over a path that loses,
 * repeats, reorders and corrupts, with limits that bind. Throws where something does not hold: octets arrive in order and once,
 * bytes in flight are what is outstanding, and in the end nothing is left anywhere.
 */
export function wildWorld(seed: number): { readonly streams: number; readonly octets: number; readonly datagrams: number } {
  const random = seededRandom(`wild/${seed}`);
  const links = { up: random.fork('up'), down: random.fork('down') };
  const players = { client: new Player('client', random.fork('client')), server: new Player('server', random.fork('server')) };
  const flights = { client: new Outstanding(), server: new Outstanding() };
  const scheduler = SCHEDULERS[seed % SCHEDULERS.length]!;
  const small = 2_000 + integerBelow(random, 4_000);
  const pair = new Pair({
    seed,
    oneWayDelay: 1_000 + integerBelow(random, 40_000),
    config: {
      initialMaxData: 2 * small,
      initialMaxStreamData: small,
      maxStreamDataWindow: 4 * small,
      maxStreamsBidi: 3,
      maxStreamsUni: 2,
      sendBuffer: 3_000 + integerBelow(random, 10_000),
      packetsPerKey: 50,
      ackFrequency: seed % 2 === 1,
      maxIdleTimeout: 0,
    },
    policies: { ...plainPolicies, scheduler },
    clientPolicies: { lossDetector: flights.client.detector },
    serverPolicies: { lossDetector: flights.server.detector },
    impair: (direction, n, bytes) => judge(links[direction].at(n), bytes),
    use: (pair, event) => players.client.onEvent(pair, pair.connection, event),
    serve: (pair, event) => players.server.onEvent(pair, pair.accepted!, event),
  });
  pair.run(END, () => !(pair.connection.handshakeComplete && pair.accepted?.handshakeComplete));
  const both = [
    { player: players.client, connection: pair.connection, flight: flights.client },
    { player: players.server, connection: pair.accepted!, flight: flights.server },
  ];
  const checkFlights = (): boolean => {
    for (const { connection, flight } of both) {
      const { bytesInFlight } = connection.stats();
      const outstanding = flight.octets;
      if (outstanding === undefined || (connection === pair.connection && pair.clientObserver.discarded.length < 2)) continue;
      if (bytesInFlight !== outstanding)
        throw new Error(`seed ${seed}: ${bytesInFlight} octets are in flight, ${outstanding} are outstanding`);
    }
    return true;
  };
  while (pair.now < PLAY) {
    for (const { player, connection } of both) player.act(pair, connection);
    pair.run(pair.now + integerBelow(random, 20_000), checkFlights);
  }
  const over = (): boolean =>
    both.every(({ connection }) => connection.stats().openStreams === 0 && connection.stats().bytesInFlight === 0);
  while (!over()) {
    if (pair.now > END) throw new Error(`seed ${seed}: it does not end`);
    for (const { player, connection } of both) player.windUp(pair, connection);
    pair.run(pair.now + 100_000, checkFlights);
  }
  for (const [here, there] of [
    [players.client, players.server],
    [players.server, players.client],
  ] as const)
    for (const [id, { octets, state }] of here.sent) {
      const read = there.read.get(id);
      if (state !== 'finished' || read?.state === 'given up') continue;
      if (read?.state !== 'finished' || read.octets !== octets)
        throw new Error(`seed ${seed}: of stream ${id} ${read?.octets} of ${octets} octets arrived`);
    }
  const octets = [...players.client.read.values(), ...players.server.read.values()].reduce((sum, stream) => sum + stream.octets, 0);
  return { streams: players.client.sent.size + players.server.sent.size, octets, datagrams: pair.left.length };
}

/** 5% each are lost, corrupted and repeated, 10% are late. */
function judge(draw: Random, bytes: Uint8Array): { late: number; bytes: Uint8Array }[] {
  if (fraction(draw) < 0.05) return [];
  const late = fraction(draw) < 0.1 ? integerBelow(draw, 30_000) : 0;
  if (fraction(draw) < 0.05) bytes[integerBelow(draw, bytes.length)]! ^= 1 << integerBelow(draw, 8);
  return fraction(draw) < 0.05
    ? [
        { late, bytes },
        { late: late + 3_000, bytes: bytes.slice() },
      ]
    : [{ late, bytes }];
}
