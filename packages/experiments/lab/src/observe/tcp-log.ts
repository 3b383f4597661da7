import { carrierOf, flowOf, Gate, REQUEST, RESPONSE, type RunLog } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import { Observer, type SegmentView, type Gate as TcpGate } from '@quiclab/tcp';
import type { Carried } from './carried.ts';
import type { DatagramWatch } from './datagram-watch.ts';

const GATES: Readonly<Record<TcpGate, number>> = {
  '': 0,
  handshake: Gate.KEYS,
  credit: Gate.CONNECTION_CREDIT,
  window: Gate.WINDOW,
  pacer: Gate.PACER,
  nagle: Gate.WINDOW, // it waits for an acknowledgement, too: RFC 9293 §3.7.4
  application: 0,
};

/** One end of a TCP connection, as the run's log wants it: what became of its segments, and what kept others from leaving. */
export class TcpLog extends Observer {
  readonly #log: RunLog;
  readonly #connection: number;
  readonly #watch: DatagramWatch | undefined;
  readonly #recovery: Observer | undefined;
  readonly #outCarrier: number;
  readonly #inCarrier: number;
  readonly #out: number; // flows
  readonly #in: number;
  readonly #leaves: Carried;
  readonly #comes: Carried;
  readonly #copies: number[] = []; // of the segment that leaves: itself, or none
  // by copy: the nth segment with data
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #came = -1; // the copy that is being read; -1: it is known already, or has no data

  /**
   * @param carried   by direction: which segment comes is told by the link, as a receiver cannot tell copies apart
   * @param recovery  told, too, of window and round trips, of losses and timeouts
   */
  constructor(
    log: RunLog,
    connection: number,
    side: 'client' | 'server',
    carried: readonly [up: Carried, down: Carried],
    watch?: DatagramWatch,
    recovery?: Observer,
  ) {
    super();
    const [sends, receives] = side === 'client' ? ([REQUEST, RESPONSE] as const) : ([RESPONSE, REQUEST] as const);
    this.#log = log;
    this.#connection = connection;
    this.#watch = watch;
    this.#recovery = recovery;
    this.#outCarrier = carrierOf(connection, 0, sends);
    this.#inCarrier = carrierOf(connection, 0, receives);
    this.#out = flowOf(connection, sends);
    this.#in = flowOf(connection, receives);
    this.#leaves = carried[sends];
    this.#comes = carried[receives];
  }

  override segmentSent(now: Micros, segment: SegmentView): void {
    this.#watch?.segmentLeft(this.#connection, segment);
    const { offset, length } = segment;
    while (this.#copies.length > 0) this.#copies.pop(); // `length = 0` would give the memory back
    if (length > 0) {
      const copy = this.#starts.length;
      this.#starts.push(offset);
      this.#ends.push(offset + length);
      this.#copies.push(copy);
      this.#log.sent(now, this.#outCarrier, offset, length, 0, copy);
    }
    this.#leaves.onLeft(this.#out, this.#copies);
  }

  override segmentReceived(_now: Micros, { length }: SegmentView): void {
    this.#came = length > 0 ? this.#comes.copyArriving(this.#in) : -1;
  }

  override streamArrived(now: Micros, offset: number, length: number): void {
    this.#taken(now);
    this.#log.received(now, this.#inCarrier, offset, length);
  }

  override streamRepeated(now: Micros): void {
    this.#taken(now);
  }

  /** Octets whose last copies are given up: the latest segments that carried them. */
  override streamLost(now: Micros, offset: number, length: number, by: Parameters<Observer['streamLost']>[3]): void {
    this.#recovery?.streamLost(now, offset, length, by);
    for (let at = offset; at < offset + length; ) {
      let copy = this.#starts.length - 1;
      while (copy >= 0 && !(this.#starts[copy]! <= at && at < this.#ends[copy]!)) copy--;
      if (copy < 0) return;
      this.#log.declaredLost(now, this.#out, copy);
      at = this.#ends[copy]!;
    }
  }

  override streamSpurious(now: Micros, offset: number, length: number): void {
    this.#recovery?.streamSpurious(now, offset, length);
  }
  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    this.#recovery?.recoveryUpdated(...told);
  }
  override timeout(...told: Parameters<Observer['timeout']>): void {
    this.#recovery?.timeout(...told);
  }
  override gateChanged(now: Micros, _from: TcpGate, to: TcpGate): void {
    this.#log.gates(now, this.#out, GATES[to]);
  }

  /** The receiver has not discarded the segment. */
  #taken(now: Micros): void {
    if (this.#came >= 0) this.#log.arrived(now, this.#in, this.#came, now);
    this.#came = -1;
  }
}
