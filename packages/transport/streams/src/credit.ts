/**
 * The credit that a receiver gives: for one stream, or for all streams of a connection. RFC 9000 §4.1.
 * The window doubles, up to `maxWindow`, when more than half of it is consumed within two round trips.
 */
export class ReceiveWindow {
  /** What the peer was told: it may send octets below this. */
  limit: number;
  /** Octets counted against the limit so far. */
  received: number;
  /** Octets that the application took, or that were discarded. */
  consumed: number;
  window: number;
  readonly maxWindow: number;
  #since: number; // when the credit was last raised

  constructor(window: number, maxWindow: number) {
    this.limit = window;
    this.received = 0;
    this.consumed = 0;
    this.window = window;
    this.maxWindow = Math.max(window, maxWindow);
    this.#since = -1;
  }

  /** Counts new octets. False: the peer has sent more than it may, FLOW_CONTROL_ERROR. */
  onReceived(octets: number): boolean {
    if (this.received + octets > this.limit) return false;
    this.received += octets;
    return true;
  }

  onConsumed(octets: number): void {
    this.consumed += octets;
  }

  /**
   * The new limit to announce, or 0 when there is no need: more than half of the window must be used up.
   * @param now  µs
   * @param rtt  smoothed round-trip time in µs
   */
  update(now: number, rtt: number): number {
    if (this.#since < 0) this.#since = now;
    if ((this.limit - this.consumed) * 2 >= this.window) return 0;
    if (now - this.#since < 2 * rtt) this.window = Math.min(this.window * 2, this.maxWindow);
    this.#since = now;
    this.limit = this.consumed + this.window;
    return this.limit;
  }
}

/** The credit that a sender was given by the peer, for all streams of a connection together. RFC 9000 §4.1. */
export class SendCredit {
  limit: number;
  used: number;
  /** The limit at which we were last said to be blocked, or -1: DATA_BLOCKED goes out once for each limit. */
  blockedAt: number;

  constructor(limit: number) {
    this.limit = limit;
    this.used = 0;
    this.blockedAt = -1;
  }

  get available(): number {
    return this.limit - this.used;
  }

  /** Limits never fall; a smaller one is an old frame. Returns whether there is more now. */
  raise(limit: number): boolean {
    if (limit <= this.limit) return false;
    this.limit = limit;
    return true;
  }

  /** Starts over with nothing used and no credit: early data was rejected (RFC 9000 §7.4.1). */
  restart(): void {
    this.limit = 0;
    this.used = 0;
    this.blockedAt = -1;
  }

  use(octets: number): void {
    this.used += octets;
  }

  /** Notes that there was more to send than credit. Returns true once for each limit. */
  noteBlocked(): boolean {
    if (this.blockedAt === this.limit) return false;
    this.blockedAt = this.limit;
    return true;
  }
}
