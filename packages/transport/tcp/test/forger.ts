import { Flag, Segment, writeSegment } from '@quiclab/tcp';
import { headerSize } from '../src/segment/codec.ts';
import { CLIENT, type Pair, SERVER } from './pair.ts';

export interface Forged {
  readonly flags?: number;
  /** Position of the sequence number in the client's stream; and what it acknowledges of the server's, or as they are by the book. */
  readonly at?: number;
  readonly acknowledges?: number;
  readonly data?: Uint8Array;
  readonly window?: number;
  /** Pairs of positions in the server's stream. */
  readonly blocks?: readonly (readonly [number, number])[];
  readonly timestamp?: number;
}

/** Somebody who sends to the server in the client's name, and knows as much of its numbers as the test says. */
export class Forger {
  readonly #pair: Pair;
  readonly #clientBase: number;
  readonly #serverBase: number;

  /** What it sends has no timestamp unless it says so. */
  constructor(pair: Pair) {
    this.#pair = pair;
    this.#clientBase = pair.passed.find(({ from }) => from === 'client')!.segment.sequence + 1;
    this.#serverBase = pair.passed.find(({ from }) => from === 'server')!.segment.sequence + 1;
  }

  octets(forged: Forged): Uint8Array {
    const { flags = Flag.ACK, at, acknowledges, data = new Uint8Array(0), window = 512, blocks = [], timestamp } = forged;
    const server = this.#pair.server.connection!.stats();
    const segment = new Segment();
    segment.sourcePort = CLIENT.port;
    segment.destinationPort = SERVER.port;
    segment.flags = flags;
    segment.sequence = (this.#clientBase + (at ?? server.received)) >>> 0;
    segment.acknowledgment = (this.#serverBase + (acknowledges ?? server.acknowledged)) >>> 0;
    segment.window = window;
    segment.sackCount = blocks.length;
    for (const [i, [start, end]] of blocks.entries()) {
      segment.sackStarts[i] = (this.#serverBase + start) >>> 0;
      segment.sackEnds[i] = (this.#serverBase + end) >>> 0;
    }
    if (timestamp !== undefined) {
      segment.hasTimestamps = true;
      segment.timestamp = timestamp;
    }
    const header = headerSize(segment);
    const bytes = new Uint8Array(header + data.length);
    bytes.set(data, header);
    writeSegment(segment, bytes, bytes.length);
    return bytes;
  }

  /** Sends it; returns what the server says to that at once. */
  send(forged: Forged): string[] {
    const before = this.#pair.said(this.#pair.server).length;
    this.#pair.inject(this.#pair.server, this.octets(forged));
    return this.#pair.said(this.#pair.server).slice(before);
  }
}
