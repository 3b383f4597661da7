import type { Address, Datagram } from '@quiclab/sansio';
import { headerSize, writeSegment } from '../segment/codec.ts';
import { Flag } from '../segment/flags.ts';
import { Segment } from '../segment/segment.ts';

const MOST = 100;

interface Reset {
  readonly local: Address;
  readonly remote: Address;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
}

/** Resets for what came and belongs to nobody here: RFC 9293 §3.10.7.1. They have no state but the wait for a slot, in which a hundred fit. */
export class Resets {
  readonly #waiting: Reset[] = [];
  readonly #segment = new Segment();

  answer(local: Address, remote: Address, segment: Segment): void {
    if (segment.has(Flag.RST) || this.#waiting.length === MOST) return;
    const length = segment.payloadLength + (segment.has(Flag.SYN) ? 1 : 0) + (segment.has(Flag.FIN) ? 1 : 0);
    const acknowledges = segment.has(Flag.ACK);
    this.#waiting.push({
      local,
      remote,
      flags: acknowledges ? Flag.RST : Flag.RST | Flag.ACK,
      sequence: acknowledges ? segment.acknowledgment : 0,
      acknowledgment: acknowledges ? 0 : (segment.sequence + length) >>> 0,
    });
  }

  pollTransmit(into: Datagram): boolean {
    const reset = this.#waiting.shift();
    if (reset === undefined) return false;
    const segment = this.#segment;
    segment.sourcePort = reset.local.port;
    segment.destinationPort = reset.remote.port;
    segment.flags = reset.flags;
    segment.sequence = reset.sequence;
    segment.acknowledgment = reset.acknowledgment;
    segment.window = 0;
    into.length = headerSize(segment);
    into.local = reset.local;
    into.remote = reset.remote;
    writeSegment(segment, into.bytes, into.length);
    return true;
  }
}
