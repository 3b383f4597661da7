import { FrameType, newTokenSize, writeNewToken } from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';

/** A server gives the client a token for its next connection, and says it again when that is lost. RFC 9000 §8.1.3, §19.7. */
export class NewToken {
  #token: Uint8Array | undefined = undefined;
  #pending = false;

  give(token: Uint8Array): void {
    this.#token = token;
    this.#pending = true;
  }

  writeFrames(packet: PacketBuilder): void {
    if (!this.#pending || packet.remaining < newTokenSize(this.#token!.length)) return;
    writeNewToken(packet.writer, this.#token!);
    packet.log(FrameType.NEW_TOKEN, 0, 0, this.#token!.length);
    this.#pending = false;
  }

  onFrameLost(): void {
    this.#pending = true;
  }
}
