import { carrierOf, type Direction, flowOf, Gate, REQUEST, RESPONSE, type RunLog } from '@quiclab/ledger';
import { type ConnectionFacts, Observer, type PacketView, type Refusal } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import type { Level } from '@quiclab/tls';
import { FrameType, PacketType, type TransportParameters } from '@quiclab/wire';
import type { Carried } from './carried.ts';
import type { DatagramWatch } from './datagram-watch.ts';

const GATES: Readonly<Record<Refusal | '', number>> = {
  '': 0,
  keys: Gate.KEYS,
  amplification: Gate.AMPLIFICATION,
  window: Gate.WINDOW,
  pacer: Gate.PACER,
};

/** RFC 9000 §2.1. Exchanges are on bidirectional streams; what is on others is the connection's own, and nobody waits for it. */
const isOfExchange = (id: StreamId): boolean => (id & 2) === 0;

/** One end of a QUIC connection, as the run's log wants it: what packets with octets of exchanges became of, and what kept others from leaving. */
export class QuicLog extends Observer {
  override readonly readsPayloads: boolean;
  readonly #log: RunLog;
  readonly #connection: number;
  readonly #side: ConnectionFacts['side'];
  readonly #sends: Direction;
  readonly #receives: Direction;
  readonly #out: number; // flows
  readonly #in: number;
  readonly #carried: Carried | undefined;
  readonly #watch: DatagramWatch | undefined;
  readonly #copies: number[] = []; // of the datagram that is being made
  readonly #early: number[] = []; // packets of 0-RTT
  readonly #waiting: { readonly type: number; readonly bytes: number; readonly at: Micros }[] = []; // for their keys
  #arrivedAt: Micros = 0; // of the packet that is being read
  #refused: Refusal | '' = '';
  #streamLimit = -1; // what streams begin with; -1: not known yet
  readonly #streams = new Set<StreamId>();
  #maxData = 0;
  #sent = 0; // octets that count against it

  /** @param watch  told of everything that leaves, what carries no exchange too */
  constructor(log: RunLog, connection: number, side: ConnectionFacts['side'], carried?: Carried, watch?: DatagramWatch) {
    super();
    this.#log = log;
    this.#connection = connection;
    this.#side = side;
    this.#sends = side === 'client' ? REQUEST : RESPONSE;
    this.#receives = side === 'client' ? RESPONSE : REQUEST;
    this.#out = flowOf(connection, this.#sends);
    this.#in = flowOf(connection, this.#receives);
    this.#carried = carried;
    this.#watch = watch;
    this.readsPayloads = watch !== undefined;
  }

  // ---- packets -------------------------------------------------------------------------------------------------------

  override packetSent(now: Micros, packet: PacketView): void {
    this.#watch?.packetLeft(this.#connection, packet);
    const { level, packetNumber, frames } = packet;
    if (level !== 'application' && level !== 'early') return;
    let any = false;
    for (let i = 0; i < frames.length; i++) {
      const type = frames.type(i);
      if ((type & ~1) !== FrameType.STREAM || !isOfExchange(frames.stream(i))) continue;
      any = true;
      this.#log.sent(now, this.#carrierOut(frames.stream(i)), frames.offset(i), frames.size(i), (type & 1) as 0 | 1, packetNumber);
    }
    if (!any) return;
    this.#copies.push(packetNumber);
    if (level === 'early') this.#early.push(packetNumber);
  }

  override datagramSent(): void {
    this.#carried?.onLeft(this.#out, this.#copies);
    while (this.#copies.length > 0) this.#copies.pop(); // `length = 0` would give the memory back
  }

  override packetBuffered(now: Micros, type: number, bytes: number): void {
    this.#waiting.push({ type, bytes, at: now });
  }

  override packetReceived(now: Micros, { level, packetNumber, bytes, waited, frames }: PacketView): void {
    if (level !== 'application' && level !== 'early') return;
    this.#arrivedAt = waited ? this.#cameAt(now, level, bytes) : now;
    let any = false;
    for (let i = 0; i < frames.length; i++) {
      const type = frames.type(i);
      if ((type & ~1) === FrameType.STREAM) any ||= isOfExchange(frames.stream(i));
      else if (type === FrameType.MAX_STREAM_DATA) this.#raise(now, frames.stream(i), frames.offset(i));
      else if (type === FrameType.MAX_DATA && frames.offset(i) > this.#maxData) {
        this.#maxData = frames.offset(i);
        this.#tellGates(now);
      }
    }
    if (any) this.#log.arrived(this.#arrivedAt, this.#in, packetNumber, now);
  }

  override streamArrived(_now: Micros, id: StreamId, offset: number, length: number): void {
    if (isOfExchange(id)) this.#log.received(this.#arrivedAt, carrierOf(this.#connection, id, this.#receives), offset, length);
  }

  override packetLost(now: Micros, { level, packetNumber, frames }: PacketView): void {
    if (level !== 'application' && level !== 'early') return;
    for (let i = 0; i < frames.length; i++)
      if ((frames.type(i) & ~1) === FrameType.STREAM && isOfExchange(frames.stream(i))) {
        this.#log.declaredLost(now, this.#out, packetNumber);
        return;
      }
  }

  /** Rejected early data is lost, and its octets count anew. RFC 9001 §4.6.2. */
  override handshakeState(now: Micros, _state: string, _alpn: string, earlyData: 'none' | 'accepted' | 'rejected'): void {
    if (earlyData !== 'rejected') return;
    for (const packetNumber of this.#early.splice(0)) this.#log.declaredLost(now, this.#out, packetNumber);
    this.#sent = 0;
    this.#tellGates(now);
  }

  // ---- gates ---------------------------------------------------------------------------------------------------------

  override sendingRefused(now: Micros, by: Refusal | ''): void {
    this.#refused = by;
    this.#tellGates(now);
  }

  override parametersRestored(now: Micros, parameters: TransportParameters): void {
    this.#onLimits(now, parameters);
  }

  override parameters(now: Micros, owner: 'local' | 'remote', parameters: TransportParameters): void {
    if (owner === 'remote') this.#onLimits(now, parameters);
  }

  override streamWritten(now: Micros, id: StreamId): void {
    if (!isOfExchange(id) || this.#streams.has(id)) return;
    this.#streams.add(id);
    if (this.#streamLimit >= 0) this.#log.limit(now, this.#carrierOut(id), this.#streamLimit);
  }

  override streamSent(now: Micros, _id: StreamId, _offset: number, length: number): void {
    this.#sent += length;
    if (this.#sent >= this.#maxData) this.#tellGates(now);
  }

  /** RFC 9000 §18.2: a client opens the streams, so that they are 'remote' to the server, and 'local' to the client. */
  #onLimits(now: Micros, { initialMaxData, initialMaxStreamDataBidiLocal, initialMaxStreamDataBidiRemote }: TransportParameters): void {
    this.#streamLimit = this.#side === 'client' ? initialMaxStreamDataBidiRemote : initialMaxStreamDataBidiLocal;
    this.#maxData = Math.max(this.#maxData, initialMaxData);
    for (const id of this.#streams) this.#log.limit(now, this.#carrierOut(id), this.#streamLimit);
    this.#tellGates(now);
  }

  #raise(now: Micros, id: StreamId, limit: number): void {
    if (isOfExchange(id)) this.#log.limit(now, this.#carrierOut(id), limit);
  }

  #tellGates(now: Micros): void {
    this.#log.gates(now, this.#out, GATES[this.#refused] | (this.#sent >= this.#maxData ? Gate.CONNECTION_CREDIT : 0));
  }

  // ---- the ground ----------------------------------------------------------------------------------------------------

  #carrierOut(id: StreamId): number {
    return carrierOf(this.#connection, id, this.#sends);
  }

  /** When a packet came that has waited for its keys: they are read in the order in which they came. */
  #cameAt(now: Micros, level: Level, bytes: number): Micros {
    const type = level === 'early' ? PacketType.ZERO_RTT : PacketType.ONE_RTT;
    const index = this.#waiting.findIndex((packet) => packet.type === type && packet.bytes === bytes);
    return index < 0 ? now : this.#waiting.splice(index, 1)[0]!.at;
  }
}
