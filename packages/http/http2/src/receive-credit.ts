import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { ReceiveWindow } from '@quiclab/streams';
import type { Exchange } from './exchange.ts';
import { DEFAULT_WINDOW, FrameType } from './frames.ts';
import { fourOctets, type Outgoing } from './outgoing.ts';

/**
 * The credit that we give, for each exchange and for all together. RFC 9113 §6.9. More is given for what was read, when half of a
 * window is used up; a window grows with who reads it out within two round trips.
 */
export class ReceiveCredit {
  /** The time of the call that is being served. */
  now: Micros;
  /** As the acknowledgment of our SETTINGS told it. */
  rtt: Micros;
  /** The peer has acknowledged them: until then it may use the window that all streams begin with. RFC 9113 §6.9.3. */
  acknowledged: boolean;
  readonly #outgoing: Outgoing;
  readonly #streamWindow: number;
  readonly #maxStreamWindow: number;
  readonly #connection: ReceiveWindow;

  constructor(outgoing: Outgoing, streamWindow: number, maxStreamWindow: number, connectionWindow: number, maxConnectionWindow: number) {
    this.now = 0;
    this.rtt = 100 * MILLISECOND;
    this.acknowledged = false;
    this.#outgoing = outgoing;
    this.#streamWindow = streamWindow;
    this.#maxStreamWindow = maxStreamWindow;
    this.#connection = new ReceiveWindow(Math.max(DEFAULT_WINDOW, connectionWindow), maxConnectionWindow);
  }

  /** The connection's window begins at 65,535 and is changed by WINDOW_UPDATE alone. RFC 9113 §6.9.2. */
  start(): void {
    this.#connection.update(this.now, this.rtt);
    const more = this.#connection.limit - DEFAULT_WINDOW;
    if (more > 0) this.#outgoing.frame(FrameType.WINDOW_UPDATE, 0, 0, fourOctets(more));
  }

  /** Of a stream that opens now. */
  streamWindow(): ReceiveWindow {
    const window = new ReceiveWindow(this.#streamWindow, this.#maxStreamWindow);
    window.update(this.now, this.rtt); // the time of its first update counts from here
    if (!this.acknowledged) window.limit = Math.max(DEFAULT_WINDOW, window.limit);
    return window;
  }

  onSettingsAcknowledged(exchanges: Iterable<Exchange>): void {
    this.acknowledged = true;
    const excess = DEFAULT_WINDOW - this.#streamWindow;
    if (excess <= 0) return;
    for (const exchange of exchanges) {
      exchange.window.limit -= excess;
      this.#raiseStream(exchange); // what was read of the larger window may have used the smaller one up
    }
  }

  /** A DATA frame of so many octets came. False: FLOW_CONTROL_ERROR. */
  onReceived(octets: number): boolean {
    return this.#connection.onReceived(octets);
  }

  /** So many octets were read, or nobody wants them. */
  consume(exchange: Exchange | undefined, octets: number): void {
    if (octets === 0) return;
    this.#connection.onConsumed(octets);
    this.#raise(this.#connection, 0);
    if (exchange === undefined) return;
    exchange.window.onConsumed(octets);
    this.#raiseStream(exchange);
  }

  #raiseStream(exchange: Exchange): void {
    if (!exchange.endReceived && !exchange.readDone) this.#raise(exchange.window, exchange.id);
  }

  #raise(window: ReceiveWindow, stream: number): void {
    const before = window.limit;
    const limit = window.update(this.now, this.rtt);
    if (limit > before) this.#outgoing.answer(FrameType.WINDOW_UPDATE, 0, stream, fourOctets(limit - before));
  }
}
