import type { DropKind, LinkPacket } from '@quiclab/impair';
import type { Micros } from '@quiclab/sansio';
import type { Capture } from '@quiclab/trace';
import { DatagramWatch } from '../observe/datagram-watch.ts';
import type { Direction } from '../whatif/fates.ts';

/**
 * One direction of a path, as captures at both of its ends see it: what was lost is in that of the sender alone. Each packet has its name on the link
 * beside it ('down:47', which a what-if takes), and what befell it.
 */
export class CapturedLink extends DatagramWatch {
  readonly #name: Direction;
  readonly #sender: Capture;
  readonly #receiver: Capture;
  readonly #sent: number[] = []; // by index − 1: its number in the sender's capture

  constructor(name: Direction, sender: Capture, receiver: Capture) {
    super();
    this.#name = name;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  override entered(now: Micros, { protocol, from, to, ecn, index, bytes }: LinkPacket): void {
    this.#sent.push(this.#sender.packet(now, 'out', protocol, from, to, ecn, index, bytes, `${this.#name}:${index}`));
  }

  override dropped(_now: Micros, { index }: LinkPacket, kind: DropKind, cause: string): void {
    this.#sender.remark(this.#sent[index - 1]!, kind === 'queue' ? 'dropped by the queue' : `dropped: ${cause}`);
  }

  override delivered(now: Micros, { protocol, from, to, ecn, index, bytes }: LinkPacket): void {
    this.#receiver.packet(now, 'in', protocol, from, to, ecn, index, bytes, `${this.#name}:${index}`);
  }
}
