import { sameBytes } from '@quiclab/bytes';
import { FrameType, TransportError, TransportErrorCode, writeRetireConnectionId } from '@quiclab/wire';
import type { PacketBuilder } from '../packet/builder.ts';

interface PeerId {
  readonly sequence: number;
  readonly id: Uint8Array;
  resetToken: Uint8Array | undefined;
}

/** The connection IDs of the peer's that we may use, and those we give back. RFC 9000 §5.1.2, §19.15, §19.16. */
export class PeerIds {
  /** Where our packets go. */
  current: Uint8Array;
  #currentSequence = 0;
  readonly #limit: number;
  readonly #known: PeerId[] = [];
  readonly #retiring: number[] = [];
  #inFlightRetirements = 0;
  #retiredBelow = 0;

  /** @param limit  our active_connection_id_limit */
  constructor(first: Uint8Array, limit: number) {
    this.current = first;
    this.#limit = limit;
    this.#known.push({ sequence: 0, id: first, resetToken: undefined });
  }

  /** A client learns the server's choice from the first Initial that it answers with. RFC 9000 §7.2. */
  replaceFirst(id: Uint8Array): void {
    this.current = id.slice();
    this.#known[0] = { sequence: 0, id: this.current, resetToken: undefined };
  }

  /** stateless_reset_token in the transport parameters belongs to sequence number 0. */
  setFirstResetToken(token: Uint8Array): void {
    const first = this.#known.find((entry) => entry.sequence === 0);
    if (first !== undefined) first.resetToken = token;
  }

  /** NEW_CONNECTION_ID. The views are copied. */
  onNew(sequence: number, retirePriorTo: number, id: Uint8Array, resetToken: Uint8Array): void {
    const type = FrameType.NEW_CONNECTION_ID;
    if (this.current.length === 0)
      throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'a peer with an empty connection ID issued another', type);
    for (const known of this.#known) {
      const sameId = sameBytes(known.id, id);
      if (known.sequence === sequence && sameId && (known.resetToken === undefined || sameBytes(known.resetToken, resetToken))) return; // said twice
      // RFC 9000 §19.15: one number, one ID, one token
      if (known.sequence === sequence || sameId)
        throw new TransportError(
          TransportErrorCode.PROTOCOL_VIOLATION,
          `connection ID ${sequence} was issued again with another value or number`,
          type,
        );
    }
    this.#retireBelow(retirePriorTo);
    if (sequence < this.#retiredBelow) this.#retire(sequence);
    else this.#known.push({ sequence, id: id.slice(), resetToken: resetToken.slice() });
    if (this.#known.length > this.#limit)
      throw new TransportError(
        TransportErrorCode.CONNECTION_ID_LIMIT_ERROR,
        `${this.#known.length} connection IDs are active, the limit is ${this.#limit}`,
        type,
      );
    if (this.#currentSequence < this.#retiredBelow) {
      const next = this.#known[0];
      if (next === undefined) throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'every connection ID was retired', type);
      this.current = next.id;
      this.#currentSequence = next.sequence;
    }
  }

  /** Whether a datagram that we cannot read ends in a reset token of the peer's. RFC 9000 §10.3.1. */
  isResetToken(bytes: Uint8Array, from: number): boolean {
    for (const { resetToken } of this.#known) {
      if (resetToken === undefined) continue;
      let difference = 0; // all octets are compared, whatever the first says: time must not tell the token
      for (let i = 0; i < 16; i++) difference |= resetToken[i]! ^ bytes[from + i]!;
      if (difference === 0) return true;
    }
    return false;
  }

  writeFrames(packet: PacketBuilder): void {
    while (this.#retiring.length > 0 && packet.remaining >= 9) {
      const sequence = this.#retiring.shift()!;
      writeRetireConnectionId(packet.writer, sequence);
      packet.log(FrameType.RETIRE_CONNECTION_ID, 0, sequence, 0);
    }
  }

  onFrameAcked(): void {
    this.#inFlightRetirements--;
  }

  onFrameLost(sequence: number): void {
    this.#retiring.push(sequence);
  }

  #retireBelow(limit: number): void {
    if (limit <= this.#retiredBelow) return;
    this.#retiredBelow = limit;
    for (let i = this.#known.length - 1; i >= 0; i--)
      if (this.#known[i]!.sequence < limit) this.#retire(this.#known.splice(i, 1)[0]!.sequence);
  }

  #retire(sequence: number): void {
    this.#retiring.push(sequence);
    // RFC 9000 §5.1.2: a peer that makes us retire without end, and acknowledges nothing, is cut off
    if (++this.#inFlightRetirements > 4 * this.#limit)
      throw new TransportError(
        TransportErrorCode.CONNECTION_ID_LIMIT_ERROR,
        `${this.#inFlightRetirements} retirements are not acknowledged`,
        FrameType.NEW_CONNECTION_ID,
      );
  }
}
