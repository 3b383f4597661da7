import { sameBytes } from '@quiclab/bytes';
import { type Micros, NEVER } from '@quiclab/sansio';
import { FrameType, TransportError, TransportErrorCode, writeNewConnectionId } from '@quiclab/wire';
import { LIMITS } from '../limits.ts';
import type { PacketBuilder } from '../packet/builder.ts';

/** Makes connection IDs that reach this connection, and forgets them. The endpoint's routing is behind it. */
export interface IdRegistry {
  issue(): { readonly id: Uint8Array; readonly resetToken: Uint8Array };
  release(id: Uint8Array): void;
}

interface LocalId {
  readonly sequence: number;
  readonly id: Uint8Array;
  readonly resetToken: Uint8Array;
  pending: boolean;
}

const MAX_ISSUED = LIMITS.issuedConnectionIds.value;
const FRAME_ROOM = 1 + 8 + 1 + 1 + 20 + 16;

/** The connection IDs that we issue. RFC 9000 §5.1.1, §19.15, §19.16. */
export class LocalIds {
  /** The source ID in long headers: never changes. RFC 9000 §7.2. */
  readonly first: Uint8Array;
  /** When the ID that the client chose is forgotten. */
  deadline: Micros;
  #original: Uint8Array | undefined;
  readonly #registry: IdRegistry;
  readonly #active: LocalId[] = [];
  #nextSequence = 0;
  #limit = 1;
  #pending = 0;

  /**
   * @param first     the ID of sequence number 0: our source connection ID in the handshake, already routed here
   * @param original  at a server: where the client's first packets go, routed here as well
   */
  constructor(registry: IdRegistry, first: Uint8Array, resetToken: Uint8Array, original: Uint8Array | undefined) {
    this.first = first;
    this.deadline = NEVER;
    this.#original = original;
    this.#registry = registry;
    this.#active.push({ sequence: this.#nextSequence++, id: first, resetToken, pending: false });
  }

  /** The ID that goes with a preferred address into the transport parameters: sequence number 1, said there. RFC 9000 §5.1.1. */
  issueForPreferredAddress(): { readonly id: Uint8Array; readonly resetToken: Uint8Array } {
    const { id, resetToken } = this.#registry.issue();
    this.#active.push({ sequence: this.#nextSequence++, id, resetToken, pending: false });
    return { id, resetToken };
  }

  /** The peer's active_connection_id_limit is known: give it as many. */
  onPeerLimit(limit: number): void {
    this.#limit = Math.min(limit, MAX_ISSUED);
    this.#fill();
  }

  /** The handshake is confirmed: the client has our own ID. What it sent before may still be on its way until then. RFC 9000 §7.2. */
  forgetOriginalAt(time: Micros): void {
    if (this.#original !== undefined) this.deadline = time;
  }

  onDeadline(): void {
    this.deadline = NEVER;
    if (this.#original !== undefined) this.#registry.release(this.#original);
    this.#original = undefined;
  }

  /** RETIRE_CONNECTION_ID. `usedId` is the one that this very packet was sent to. */
  onRetire(sequence: number, usedId: Uint8Array): void {
    if (sequence >= this.#nextSequence)
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        `connection ID ${sequence} was retired, ${this.#nextSequence} were issued`,
        FrameType.RETIRE_CONNECTION_ID,
      );
    const index = this.#active.findIndex((entry) => entry.sequence === sequence);
    if (index < 0) return;
    const entry = this.#active[index]!;
    if (sameBytes(entry.id, usedId))
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        `connection ID ${sequence} was retired in a packet that used it`,
        FrameType.RETIRE_CONNECTION_ID,
      );
    if (entry.pending) this.#pending--;
    this.#active.splice(index, 1);
    this.#registry.release(entry.id);
    this.#fill();
  }

  writeFrames(packet: PacketBuilder): void {
    if (this.#pending === 0) return;
    for (const entry of this.#active) {
      if (!entry.pending || packet.remaining < FRAME_ROOM) continue;
      writeNewConnectionId(packet.writer, entry.sequence, 0, entry.id, entry.resetToken);
      packet.log(FrameType.NEW_CONNECTION_ID, 0, entry.sequence, 0);
      entry.pending = false;
      this.#pending--;
    }
  }

  onFrameLost(sequence: number): void {
    const entry = this.#active.find((one) => one.sequence === sequence);
    if (entry === undefined || entry.pending) return;
    entry.pending = true;
    this.#pending++;
  }

  releaseAll(): void {
    for (const entry of this.#active) this.#registry.release(entry.id);
    this.onDeadline();
  }

  #fill(): void {
    while (this.#active.length < this.#limit) {
      const { id, resetToken } = this.#registry.issue();
      this.#active.push({ sequence: this.#nextSequence++, id, resetToken, pending: true });
      this.#pending++;
    }
  }
}
