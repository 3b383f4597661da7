import type { CongestionController } from '@quiclab/congestion';
import type { Micros } from '@quiclab/sansio';
import type { Observer } from '../observer.ts';
import { Doubts } from './doubts.ts';
import type { Scoreboard } from './scoreboard.ts';
import type { SentSegment } from './sent-segment.ts';

/**
 * How it is found out that something was declared lost and was not: the timestamp (RFC 3522), what comes twice (RFC 2883), and what goes
 * on after the retransmission timer went off (RFC 5682). The controller is told, octet for octet, and takes its reduction back.
 */
export class Mistakes {
  /** So far. */
  count = 0;
  /** The acknowledgement at hand shows that the retransmission timer was wrong. */
  timeoutWasOne = false;
  readonly #board: Scoreboard;
  readonly #controller: CongestionController;
  readonly #observer: Observer;
  readonly #doubts = new Doubts();
  #forward: 'no' | 'expired' | 'trying' = 'no';

  constructor(board: Scoreboard, controller: CongestionController, observer: Observer) {
    this.#board = board;
    this.#controller = controller;
    this.#observer = observer;
  }

  /** F-RTO: what is new goes before what is to be sent again. RFC 5682 §3.1. */
  get newDataFirst(): boolean {
    return this.#forward === 'trying';
  }

  /**
   * What was declared lost has arrived.
   * @param certain  that was a mistake: it was not sent again since, or the timestamp echoed is older than the copy, of the first that was
   *                 missing. If not, a DSACK may tell, later.
   */
  onDelivered(now: Micros, segment: SentSegment, certain: boolean): void {
    if (!certain) {
      this.#doubts.add(segment.start, segment.end, segment.lostSentAt);
      return;
    }
    this.#tell(now, segment.start, segment.bytes, segment.lostSentAt);
    segment.lostSentAt = -1;
    if (segment.lostByTimeout) this.timeoutWasOne = true;
  }

  /** [start, end) has come twice. Returns whether that settles a doubt. */
  onDuplicate(now: Micros, start: number, end: number): boolean {
    const sentAt = this.#doubts.settle(start, end);
    if (sentAt < 0) return false;
    this.#tell(now, start, end - start, sentAt);
    return true;
  }

  /** The retransmission timer went off. @param testable  for the first time since all was well */
  onExpiry(testable: boolean): void {
    this.#forward = testable ? 'expired' : 'no';
  }

  /**
   * An acknowledgement has been taken. If it has shown that the timer was wrong, what that gave up and was not sent again is on its way still.
   * Else F-RTO: where the first after the expiry leaves something of what was sent before, new data goes next; the second then either
   * acknowledges what was not sent again, or the timer was right.
   */
  onAck(now: Micros, advanced: boolean, isRecovered: boolean): void {
    if (this.timeoutWasOne) this.#undoTimeout(now);
    else if (this.#forward !== 'no') this.#forward = this.#forward === 'expired' && advanced && !isRecovered ? 'trying' : 'no';
  }

  #undoTimeout(now: Micros): void {
    const { log } = this.#board;
    this.timeoutWasOne = false;
    this.#forward = 'no';
    for (let i = 0; i < log.count; i++) {
      const segment = log.at(i);
      if (!segment.lost || !segment.lostByTimeout) continue;
      this.#tell(now, segment.start, segment.bytes, segment.lostSentAt);
      this.#board.restore(segment);
    }
  }

  #tell(now: Micros, start: number, bytes: number, sentAt: Micros): void {
    this.count++;
    this.#observer.streamSpurious(now, start, bytes);
    this.#controller.onSpuriousLoss(now, bytes, sentAt);
  }
}
