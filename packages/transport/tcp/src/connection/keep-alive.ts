import { type Micros, NEVER } from '@quiclab/sansio';
import type { TcpConfig } from '../config.ts';

/**
 * Asks a peer that has been silent for long whether it is still there: only that finds out that the other end of an idle connection is gone, as
 * when its reset was lost. Off unless the application turns it on. RFC 9293 §3.8.4.
 */
export class KeepAlive {
  /** When the next probe is due, or the patience with the last one is over; NEVER where it is off, or does not run yet. */
  deadline: Micros = NEVER;
  /** Must leave. */
  owed = false;
  /** Probes that were not answered. */
  unanswered = 0;
  readonly #config: TcpConfig;

  constructor(config: TcpConfig) {
    this.#config = config;
  }

  /** The connection is there, or the peer has been heard. */
  onHeard(now: Micros): void {
    if (!this.#config.keepAlive) return;
    this.unanswered = 0;
    this.owed = false;
    this.deadline = now + this.#config.keepAliveTime;
  }

  /**
   * To be called when `deadline` <= now.
   * @param idle  nothing that was sent, or waits to be, makes the peer answer anyway
   * @returns whether a probe was called for
   */
  onDue(now: Micros, idle: boolean): boolean {
    if (!idle) {
      this.onHeard(now);
      return false;
    }
    this.unanswered++;
    this.owed = !this.givesUp;
    this.deadline = now + this.#config.keepAliveInterval;
    return true;
  }

  /** One probe, or its answer, may be lost: no single one says that the peer is gone. */
  get givesUp(): boolean {
    return this.unanswered > this.#config.keepAliveProbes;
  }
}
