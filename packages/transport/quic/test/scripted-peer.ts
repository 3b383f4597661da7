import { ByteWriter, RangeSet } from '@quiclab/bytes';
import { initialSecrets, nextSecret, type PacketProtector, packetProtector, type TrafficKeys, trafficKeys } from '@quiclab/crypto';
import type { Datagram } from '@quiclab/sansio';
import {
  expandPacketNumber,
  FrameReader,
  FrameType,
  frameName,
  PacketHeader,
  PacketType,
  readHeader,
  readPacketNumber,
  setLength,
  VERSION_1,
  writeAck,
  writeLongHeader,
  writeShortHeader,
} from '@quiclab/wire';
import { Pair, type PairOptions } from './pair.ts';

const SUITE = 'TLS_AES_128_GCM_SHA256';
const ID_LENGTH = 8;
const NO_TOKEN = new Uint8Array(0);
/** Above what the endpoint that is played has used. */
const FIRST_PACKET_NUMBER = 1_000;

export type Level = 'initial' | 'handshake' | 'application';

/** A frame that the real endpoint sent. */
export interface ReadFrame {
  readonly name: string;
  readonly type: number;
  readonly id: number;
  readonly offset: number;
  readonly limit: number;
  readonly code: number;
  readonly finalSize: number;
  readonly reliableSize: number;
  readonly sequence: number;
  readonly retirePriorTo: number;
  readonly frameType: number;
  readonly fin: boolean;
  readonly data: Uint8Array;
  readonly connectionId: Uint8Array;
  readonly resetToken: Uint8Array;
  readonly largest: number;
  readonly ranges: readonly (readonly [number, number])[];
  /** ECT(0), ECT(1), CE. */
  readonly counts: readonly number[];
}

/** A packet that the real endpoint sent. */
export interface ReadPacket {
  readonly level: Level;
  readonly packetNumber: number;
  readonly phase: number;
  readonly frames: readonly ReadFrame[];
  readonly destination: Uint8Array;
  /** Octets of the datagram that it came in. */
  readonly datagram: number;
}

export interface Forging {
  readonly packetNumber?: number;
  /** Bits to set in the first octet, under its protection. */
  readonly firstOctet?: number;
  readonly phase?: 0 | 1;
  readonly token?: Uint8Array;
  readonly destination?: Uint8Array;
  readonly source?: Uint8Array;
  /** Keys of this many updates ago. */
  readonly older?: number;
}

/**
 * Plays one end of a pair that has come as far as it has: it knows the secrets, so that any packet it makes is authentic, and it
 * keeps to no rule. Reads what the real endpoint answers.
 */
export class ScriptedPeer {
  readonly plays: 'client' | 'server';
  /** All packets that the real endpoint sent since. */
  readonly heard: ReadPacket[] = [];
  destination: Uint8Array;
  source: Uint8Array;
  phase: 0 | 1 = 0;
  readonly #pair: Pair;
  readonly #write: Record<Level | 'early', TrafficKeys | undefined>;
  readonly #read: Record<Level, TrafficKeys | undefined>;
  readonly #generations: PacketProtector[] = [];
  #writeSecret: Uint8Array | undefined;
  #readSecret: Uint8Array | undefined;
  #readPrevious: PacketProtector | undefined = undefined;
  #readPacket: PacketProtector | undefined;
  readonly #next: Record<Level, number> = {
    initial: FIRST_PACKET_NUMBER,
    handshake: FIRST_PACKET_NUMBER,
    application: FIRST_PACKET_NUMBER,
  };
  readonly #came: Record<Level, RangeSet> = { initial: new RangeSet(), handshake: new RangeSet(), application: new RangeSet() };
  readonly #largest: Record<Level, number> = { initial: -1, handshake: -1, application: -1 };

  constructor(pair: Pair, plays: 'client' | 'server') {
    this.plays = plays;
    this.#pair = pair;
    const client = plays === 'client';
    const secrets = new Map([...pair.clientObserver.secrets, ...pair.serverObserver.secrets]);
    const keys = (label: string): TrafficKeys | undefined => {
      const secret = secrets.get(label);
      return secret === undefined ? undefined : trafficKeys(pair.provider, SUITE, secret, VERSION_1);
    };
    const initial = initialSecrets(pair.provider, VERSION_1, pair.connection.firstDestination);
    const initialKeys = {
      client: trafficKeys(pair.provider, SUITE, initial.client, VERSION_1),
      server: trafficKeys(pair.provider, SUITE, initial.server, VERSION_1),
    };
    const ours = client ? 'CLIENT' : 'SERVER';
    const theirs = client ? 'SERVER' : 'CLIENT';
    this.#write = {
      initial: client ? initialKeys.client : initialKeys.server,
      early: client ? keys('CLIENT_EARLY_TRAFFIC_SECRET') : undefined,
      handshake: keys(`${ours}_HANDSHAKE_TRAFFIC_SECRET`),
      application: keys(`${ours}_TRAFFIC_SECRET_0`),
    };
    this.#read = {
      initial: client ? initialKeys.server : initialKeys.client,
      handshake: keys(`${theirs}_HANDSHAKE_TRAFFIC_SECRET`),
      application: keys(`${theirs}_TRAFFIC_SECRET_0`),
    };
    this.#writeSecret = secrets.get(`${ours}_TRAFFIC_SECRET_0`);
    this.#readSecret = secrets.get(`${theirs}_TRAFFIC_SECRET_0`);
    this.#readPacket = this.#read.application?.packet;
    const ids = { client: sourceOf(pair, 'up'), server: sourceOf(pair, 'down') };
    this.destination = client ? (ids.server ?? pair.connection.firstDestination) : ids.client!;
    this.source = client ? ids.client! : (ids.server ?? new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    pair.flying = [];
  }

  /** The number that the next packet of a level will have. */
  nextPacketNumber(level: Level = 'application'): number {
    return this.#next[level];
  }

  /** A protected packet with this payload. */
  packet(level: Level | 'early', payload: Uint8Array, forging: Forging = {}): Uint8Array {
    const keys = this.#write[level];
    if (keys === undefined) throw new Error(`no keys for ${level} packets yet`);
    const packetNumber = forging.packetNumber ?? this.#next[level === 'early' ? 'application' : level]++;
    const bytes = new Uint8Array(payload.length + 128 + (forging.token?.length ?? 0));
    const writer = new ByteWriter(bytes);
    const destination = forging.destination ?? this.destination;
    const packetNumberOffset =
      level === 'application'
        ? writeShortHeader(writer, destination, packetNumber, 4, forging.phase ?? this.phase, 0)
        : writeLongHeader(
            writer,
            TYPE_OF[level],
            VERSION_1,
            destination,
            forging.source ?? this.source,
            forging.token ?? NO_TOKEN,
            packetNumber,
            4,
          );
    bytes[0]! |= forging.firstOctet ?? 0;
    const payloadStart = writer.position;
    writer.octets(payload);
    const end = writer.position + 16;
    if (level !== 'application') setLength(bytes, packetNumberOffset, end);
    const older = this.#generations[this.#generations.length - (forging.older ?? 0)];
    const protector = level === 'application' && (forging.older ?? 0) > 0 ? older! : keys.packet;
    protector.seal(bytes, 0, payloadStart, writer.position, packetNumber);
    keys.header.protect(bytes, 0, packetNumberOffset, 4);
    return bytes.slice(0, end);
  }

  /** Sends frames, and returns what the real endpoint says to them at once. */
  send(level: Level | 'early', write: ((writer: ByteWriter) => void) | Uint8Array, forging: Forging = {}): ReadPacket[] {
    const payload = typeof write === 'function' ? frames(write) : write;
    let datagram = this.packet(level, payload, forging);
    // RFC 9000 §14.1: below 1,200 octets it would be dropped before anyone looked
    if (level === 'initial' && this.plays === 'client' && datagram.length < 1200) {
      if (forging.packetNumber === undefined) this.#next[level]--;
      const padded = new Uint8Array(payload.length + 1200 - datagram.length);
      padded.set(payload, padded.length - payload.length); // PADDING first, so that what is cut short stays so
      datagram = this.packet(level, padded, forging);
    }
    return this.sendDatagram(datagram);
  }

  /** Sends frames that the real endpoint does not get its turn to answer yet. */
  push(level: Level, write: ((writer: ByteWriter) => void) | Uint8Array, forging: Forging = {}): void {
    const payload = typeof write === 'function' ? frames(write) : write;
    this.#pair.receiveOnly(this.plays === 'client' ? 'up' : 'down', this.packet(level, payload, forging));
  }

  /** What the real endpoint says when it gets its turn. */
  listen(): ReadPacket[] {
    return this.#hear(this.#pair.turnOnly(this.plays === 'client' ? 'down' : 'up'));
  }

  sendDatagram(datagram: Uint8Array, ecn?: Datagram['ecn']): ReadPacket[] {
    return this.#hear(this.#pair.deliver(this.plays === 'client' ? 'up' : 'down', datagram, ecn));
  }

  /** What the endpoint that is played had sent before it was replaced. */
  flight: readonly Uint8Array[] = [];

  /** At a server: lets the client hear the Initial of the server's flight, which gives it keys for the Handshake level. */
  bringClientToHandshake(): void {
    const hello = find(this.openOwn(this.flight[0]!), 'CRYPTO')!;
    this.send('initial', (w) => writeCrypto(w, 0, hello.data));
  }

  /** Reads a datagram of the end that is played: its Initial. */
  openOwn(datagram: Uint8Array): ReadPacket[] {
    return this.#openAs(datagram, this.#write, { initial: -1, handshake: -1, application: -1 });
  }

  /** Lets time pass for the real endpoint; what it sends meanwhile is heard, and nothing else reaches it. */
  wait(until: number): ReadPacket[] {
    const pair = this.#pair;
    const ours = this.plays === 'client' ? 'down' : 'up';
    const endpoint = this.plays === 'client' ? pair.server : pair.client;
    const heard: ReadPacket[] = [];
    const takeFlying = (): void => {
      for (const { direction, bytes } of pair.flying.splice(0)) if (direction === ours) heard.push(...this.#hear([bytes]));
    };
    takeFlying();
    heard.push(...this.#hear(pair.turnOnly(ours)));
    while (endpoint.nextTimeout() <= until) {
      pair.now = Math.max(pair.now, endpoint.nextTimeout());
      heard.push(...this.#hear(pair.turnOnly(ours)));
      pair.flying = [];
    }
    pair.now = Math.max(pair.now, until);
    return heard;
  }

  /** Moves our own packets to the next keys. */
  updateKeys(): void {
    const secret = nextSecret(this.#pair.provider, SUITE, this.#writeSecret!, VERSION_1);
    const keys = this.#write.application!;
    this.#generations.push(keys.packet);
    this.#write.application = { header: keys.header, packet: packetProtector(this.#pair.provider, SUITE, secret, VERSION_1) };
    this.#writeSecret = secret;
    this.phase = this.phase === 0 ? 1 : 0;
  }

  /** An ACK of everything heard so far at this level, and of all that came before. */
  ackAll(level: Level = 'application'): ReadPacket[] {
    const ranges = this.#came[level];
    ranges.add(0, ranges.start(0));
    return this.send(level, (w) => writeAck(w, ranges, 0, 256, 1_000, undefined));
  }

  #hear(datagrams: readonly Uint8Array[]): ReadPacket[] {
    const packets = datagrams.flatMap((datagram) => this.open(datagram));
    this.heard.push(...packets);
    this.#pair.flying = [];
    return packets;
  }

  /** Reads a datagram of the real endpoint's; packets whose keys we do not have are passed over. */
  open(datagram: Uint8Array): ReadPacket[] {
    const packets = this.#openAs(datagram, this.#read, this.#largest);
    for (const { level, packetNumber } of packets) this.#came[level].add(packetNumber, packetNumber + 1);
    return packets;
  }

  #openAs(datagram: Uint8Array, from: Record<Level, TrafficKeys | undefined>, largest: Record<Level, number>): ReadPacket[] {
    const bytes = datagram.slice();
    const header = new PacketHeader();
    const packets: ReadPacket[] = [];
    for (let at = 0; at < bytes.length; at = header.end) {
      if (readHeader(bytes, at, bytes.length, this.source.length, header, true) !== '') break;
      const level = LEVEL_OF[header.type];
      const keys = level === undefined ? undefined : from[level];
      if (level === undefined || keys === undefined) continue;
      const length = keys.header.unprotect(bytes, at, header.packetNumberOffset, header.end);
      const packetNumber = expandPacketNumber(largest[level], readPacketNumber(bytes, header.packetNumberOffset, length), length);
      const payloadStart = header.packetNumberOffset + length;
      const phase = (bytes[at]! & 4) >> 2;
      const payloadEnd =
        level === 'application'
          ? this.#openShort(bytes, at, payloadStart, header.end, packetNumber)
          : keys.packet.open(bytes, at, payloadStart, header.end, packetNumber);
      if (payloadEnd < 0) continue;
      largest[level] = Math.max(largest[level], packetNumber);
      packets.push({
        level,
        packetNumber,
        phase: level === 'application' ? phase : 0,
        frames: readFrames(bytes, payloadStart, payloadEnd),
        destination: bytes.slice(header.destinationIdStart, header.destinationIdStart + header.destinationIdLength),
        datagram: datagram.length,
      });
    }
    return packets;
  }

  #openShort(bytes: Uint8Array, start: number, payloadStart: number, end: number, packetNumber: number): number {
    const here = this.#readPacket!.open(bytes, start, payloadStart, end, packetNumber);
    if (here >= 0) return here;
    const before = this.#readPrevious?.open(bytes, start, payloadStart, end, packetNumber) ?? -1;
    if (before >= 0) return before;
    const secret = nextSecret(this.#pair.provider, SUITE, this.#readSecret!, VERSION_1);
    const next = packetProtector(this.#pair.provider, SUITE, secret, VERSION_1);
    const there = next.open(bytes, start, payloadStart, end, packetNumber);
    if (there < 0) return there;
    this.#readPrevious = this.#readPacket;
    this.#readPacket = next;
    this.#readSecret = secret;
    return there;
  }
}

const TYPE_OF = { initial: PacketType.INITIAL, early: PacketType.ZERO_RTT, handshake: PacketType.HANDSHAKE } as const;
const LEVEL_OF: Partial<Record<number, Level>> = {
  [PacketType.INITIAL]: 'initial',
  [PacketType.HANDSHAKE]: 'handshake',
  [PacketType.ONE_RTT]: 'application',
};

/** A connection that is established and quiet, one end of which is played by a scripted peer. */
export function established(
  plays: 'client' | 'server',
  options: PairOptions = {},
): { readonly pair: Pair; readonly peer: ScriptedPeer; readonly victim: Pair['connection'] } {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  return { pair, peer: new ScriptedPeer(pair, plays), victim: plays === 'client' ? pair.accepted! : pair.connection };
}

/** The source ID in the long headers of one direction. */
export function sourceOf(pair: Pair, direction: 'up' | 'down'): Uint8Array | undefined {
  const header = new PacketHeader();
  for (const left of pair.left)
    if (
      left.direction === direction &&
      readHeader(left.bytes, 0, left.bytes.length, ID_LENGTH, header, true) === '' &&
      header.type !== PacketType.ONE_RTT
    )
      return header.sourceId.slice();
  return undefined;
}

/** The octets of some frames. */
export function frames(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = ByteWriter.growable();
  write(writer);
  return writer.written().slice();
}

/** ACK of [0, largest], or of [smallest, largest]. */
export function writeSimpleAck(w: ByteWriter, largest: number, smallest = 0): void {
  w.uint8(FrameType.ACK);
  w.varint(largest);
  w.varint(0);
  w.varint(0);
  w.varint(largest - smallest);
}

/** STREAM with all its fields. */
export function writeStream(w: ByteWriter, id: number, offset: number, data: Uint8Array, fin = false): void {
  w.uint8(FrameType.STREAM | 4 | 2 | (fin ? 1 : 0));
  w.varint(id);
  w.varint(offset);
  w.varint(data.length);
  w.octets(data);
}

export function writeCrypto(w: ByteWriter, offset: number, data: Uint8Array): void {
  w.uint8(FrameType.CRYPTO);
  w.varint(offset);
  w.varint(data.length);
  w.octets(data);
}

export function readFrames(bytes: Uint8Array, start: number, end: number): ReadFrame[] {
  const reader = new FrameReader();
  reader.reset(bytes, start, end);
  const list: ReadFrame[] = [];
  for (let type = reader.next(); type >= 0; type = reader.next()) {
    const hasData = (
      [
        FrameType.STREAM,
        FrameType.CRYPTO,
        FrameType.DATAGRAM,
        FrameType.PATH_CHALLENGE,
        FrameType.PATH_RESPONSE,
        FrameType.CONNECTION_CLOSE,
        FrameType.CONNECTION_CLOSE_APP,
      ] as number[]
    ).includes(type);
    const isId = type === FrameType.NEW_CONNECTION_ID;
    const isAck = type === FrameType.ACK || type === FrameType.ACK_ECN;
    list.push({
      name: frameName(type),
      type: reader.rawType,
      id: reader.id,
      offset: reader.offset,
      limit: reader.limit,
      code: reader.code,
      finalSize: reader.finalSize,
      reliableSize: reader.reliableSize,
      sequence: reader.sequence,
      retirePriorTo: reader.retirePriorTo,
      frameType: reader.frameType,
      fin: type === FrameType.STREAM && reader.fin,
      data: hasData ? reader.data().slice() : NO_TOKEN,
      connectionId: isId ? reader.connectionId.slice() : NO_TOKEN,
      resetToken: isId ? reader.resetToken.slice() : NO_TOKEN,
      largest: isAck ? reader.ack.largest : -1,
      ranges: isAck ? Array.from({ length: reader.ack.count }, (_, i) => [reader.ack.smallest[i]!, reader.ack.largestOf[i]!] as const) : [],
      counts: type === FrameType.ACK_ECN ? [reader.ack.ect0, reader.ack.ect1, reader.ack.ce] : [],
    });
  }
  return list;
}

/** The first frame of this name in some packets. */
export function find(packets: readonly ReadPacket[], name: string): ReadFrame | undefined {
  for (const packet of packets) for (const frame of packet.frames) if (frame.name === name) return frame;
  return undefined;
}
export const findAll = (packets: readonly ReadPacket[], name: string): ReadFrame[] =>
  packets.flatMap((packet) => packet.frames.filter((frame) => frame.name === name));
