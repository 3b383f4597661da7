import { FrameType, writePathResponse } from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';

/** Unanswered challenges that we keep; a flood of them makes us answer the newest only. RFC 9000 §8.2.2, §21. */
const MAX_PENDING = 8;

/** Answers to PATH_CHALLENGE frames. Never sent again: who still wants to know asks again (RFC 9000 §13.3). */
export class PathResponses {
  readonly #pending: Uint8Array[] = [];

  onChallenge(data: Uint8Array): void {
    if (this.#pending.length === MAX_PENDING) this.#pending.shift();
    this.#pending.push(data.slice());
  }

  writeFrames(packet: PacketBuilder): void {
    while (this.#pending.length > 0 && packet.remaining >= 9) {
      writePathResponse(packet.writer, this.#pending.shift()!);
      packet.log(FrameType.PATH_RESPONSE, 0, 0, 0);
      packet.expand = true; // RFC 9000 §8.2.2
    }
  }
}
