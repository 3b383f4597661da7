import type { SendStream } from './send-stream.ts';

/** Octets that every stream may hold for sending, whatever others hold. */
export const OWN_SEND_BUFFER = 65_536;

/**
 * What the streams of a connection may hold together for sending, unsent or unacknowledged: each has some octets of its own,
 * so that none is ever shut out by others that cannot send, and what it holds beyond those comes out of one share. All together
 * never hold more than `shared` + streams × `own`.
 *
 * Who was refused waits in line. When there is room again, the first of the line gets its turn: a portion is set aside until
 * its next write. While somebody waits nobody takes of the share without a turn, and nobody more than a portion; so who waits
 * never waits for more than one portion of each of the others.
 */
export class SendBudget {
  readonly own: number;
  readonly #shared: number;
  readonly #portion: number;
  #used: number; // of the share
  #promised: number; // of the share, to those who had their turn and have not written since
  readonly #line: Set<SendStream>; // in the order in which they came; not touched by packets unless somebody waits

  /**
   * @param shared  octets that all may hold beyond those of their own
   * @param own     octets that each may hold in any case
   */
  constructor(shared: number, own: number = OWN_SEND_BUFFER) {
    this.own = own;
    this.#shared = shared;
    this.#portion = Math.min(own, Math.max(1, Math.floor(shared / 4)));
    this.#used = 0;
    this.#promised = 0;
    this.#line = new Set();
  }

  /** Octets of the share that are in use. */
  get used(): number {
    return this.#used;
  }

  /**
   * How much of the share a stream may take now.
   * @param turn  it had its turn, which has ended with this
   */
  room(turn: boolean): number {
    if (this.#line.size === 0) return this.#free();
    return turn ? Math.min(this.#portion, this.#free()) : 0;
  }

  /** A stream holds so many octets of the share more, or fewer. */
  use(octets: number): void {
    this.#used += octets;
  }

  /** A write was refused for want of room here. Who waits already keeps its place. */
  wait(stream: SendStream): void {
    this.#line.add(stream);
  }

  /** It wants nothing of the share any more. */
  leave(stream: SendStream): void {
    this.#line.delete(stream);
  }

  /** Gives the first of the line its turn, if there is a portion for it. To be asked until it says undefined, whenever something may have become free. */
  nextTurn(): SendStream | undefined {
    if (this.#line.size === 0 || this.#free() < this.#portion) return undefined;
    const [stream] = this.#line;
    this.#line.delete(stream!);
    this.#promised += this.#portion;
    stream!.onTurn();
    return stream;
  }

  /** The turn was used, or is not wanted. */
  endTurn(): void {
    this.#promised -= this.#portion;
  }

  /** Not more than half is set aside: an application that is told of room and does not come for it must not stop the others. */
  #free(): number {
    return Math.max(0, this.#shared - this.#used - Math.min(this.#promised, Math.floor(this.#shared / 2)));
  }
}
