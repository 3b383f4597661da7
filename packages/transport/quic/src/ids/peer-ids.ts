import { RangeSet, sameBytes } from '@quiclab/bytes';
import { FrameType, TransportError, TransportErrorCode, writeRetireConnectionId } from '@quiclab/wire';
import type { Watch } from '../connection/watch.ts';
import { LIMITS } from '../limits.ts';
import type { PacketBuilder } from '../packet/builder.ts';

/** Whoever sees all datagrams (the endpoint) is told by which token the peer will be known to have lost this connection. RFC 9000 §10.3.1. */
export interface ResetTokens {
  watch(token: Uint8Array): void;
  forget(token: Uint8Array): void;
}

interface PeerId {
  readonly sequence: number;
  readonly id: Uint8Array;
  resetToken: Uint8Array | undefined;
}

const MAX_REMEMBERED = LIMITS.connectionIdHistory.value;
const MAX_RETIRING = LIMITS.retirements.value;

/** The connection IDs of the peer's that we may use, and those we give back. RFC 9000 §5.1.2, §19.15, §19.16. */
export class PeerIds {
  /** Where our packets go. */
  current: Uint8Array;
  /** What the peer calls itself in long headers: this never changes. RFC 9000 §7.2. */
  ofHandshake: Uint8Array;
  readonly #limit: number;
  readonly #tokens: ResetTokens;
  readonly #watch: Watch;
  readonly #known: PeerId[] = [];
  #inUse: PeerId;
  readonly #reserved: PeerId[] = [];
  /** Sequence numbers that were ever issued to us. */
  readonly #issued = new RangeSet();
  #retiredBelow = 0;
  /** Sequence numbers given back: to be said, and said but not acknowledged. */
  readonly #retiring: number[] = [];
  readonly #unacknowledged: number[] = [];

  /** @param limit  our active_connection_id_limit */
  constructor(first: Uint8Array, limit: number, tokens: ResetTokens, watch: Watch) {
    this.current = first;
    this.ofHandshake = first;
    this.#limit = limit;
    this.#tokens = tokens;
    this.#watch = watch;
    this.#inUse = { sequence: 0, id: first, resetToken: undefined };
    this.#known.push(this.#inUse);
    this.#issued.add(0, 1);
  }

  /** A client learns the server's choice from the first Initial that it answers with. RFC 9000 §7.2. */
  replaceFirst(id: Uint8Array): void {
    this.#use(id.slice());
    this.ofHandshake = this.current;
    this.#inUse = { sequence: 0, id: this.current, resetToken: undefined };
    this.#known[0] = this.#inUse;
  }

  /** stateless_reset_token in the transport parameters belongs to sequence number 0. */
  setFirstResetToken(token: Uint8Array): void {
    this.#inUse.resetToken = token;
    this.#tokens.watch(token);
  }

  /** NEW_CONNECTION_ID. The views are copied. */
  onNew(sequence: number, retirePriorTo: number, id: Uint8Array, resetToken: Uint8Array): void {
    const type = FrameType.NEW_CONNECTION_ID;
    if (this.current.length === 0)
      throw new TransportError(TransportErrorCode.PROTOCOL_VIOLATION, 'a peer with an empty connection ID issued another', type);
    if (!this.#wasSaid(sequence, id, resetToken)) this.#take(sequence, retirePriorTo, id, resetToken);
    else this.#retireBelow(retirePriorTo);
    if (this.#known.length > this.#limit)
      throw new TransportError(
        TransportErrorCode.CONNECTION_ID_LIMIT_ERROR,
        `${this.#known.length} connection IDs are active, the limit is ${this.#limit}`,
        type,
      );
    if (this.#inUse.sequence < this.#retiredBelow) this.#useAnother();
  }

  /** Whether a datagram that we cannot read ends in the reset token of the ID that we use. RFC 9000 §10.3.1. */
  isResetToken(bytes: Uint8Array, from: number): boolean {
    const token = this.#inUse.resetToken;
    if (token === undefined) return false;
    let difference = 0; // all octets are compared, whatever the first says: time must not tell the token
    for (let i = 0; i < 16; i++) difference |= token[i]! ^ bytes[from + i]!;
    return difference === 0;
  }

  writeFrames(packet: PacketBuilder): void {
    while (this.#retiring.length > 0 && packet.remaining >= 9) {
      const sequence = this.#retiring.shift()!;
      writeRetireConnectionId(packet.writer, sequence);
      packet.log(FrameType.RETIRE_CONNECTION_ID, 0, sequence, 0);
    }
  }

  onFrameAcked(sequence: number): void {
    remove(this.#unacknowledged, sequence);
    remove(this.#retiring, sequence); // lost, as it seemed
  }

  onFrameLost(sequence: number): void {
    if (this.#unacknowledged.includes(sequence) && !this.#retiring.includes(sequence)) this.#retiring.push(sequence);
  }

  /** The token of the ID in use means nothing any more: another is used, or the connection is over. */
  forgetResetToken(): void {
    if (this.#inUse.resetToken !== undefined) this.#tokens.forget(this.#inUse.resetToken);
  }

  /** Whether this very ID was issued before, as a frame that was sent again says. Throws when it was another: one number, one ID, one token (§19.15). */
  #wasSaid(sequence: number, id: Uint8Array, resetToken: Uint8Array): boolean {
    for (const known of this.#known) {
      const sameId = sameBytes(known.id, id);
      if (known.sequence === sequence && sameId && (known.resetToken === undefined || sameBytes(known.resetToken, resetToken))) return true;
      if (known.sequence === sequence || sameId)
        throw new TransportError(
          TransportErrorCode.PROTOCOL_VIOLATION,
          `connection ID ${sequence} was issued again with another value or number`,
          FrameType.NEW_CONNECTION_ID,
        );
    }
    return this.#issued.has(sequence); // known no more: it was given back
  }

  #take(sequence: number, retirePriorTo: number, id: Uint8Array, resetToken: Uint8Array): void {
    this.#issued.add(sequence, sequence + 1);
    if (this.#issued.count > MAX_REMEMBERED) this.#issued.add(this.#issued.start(0), this.#issued.start(1)); // the lowest gap is given up
    this.#retireBelow(retirePriorTo);
    // RFC 9000 §19.15: one that comes late is given back at once
    if (sequence < this.#retiredBelow) this.#retire(sequence);
    else this.#known.push({ sequence, id: id.slice(), resetToken: resetToken.slice() });
  }

  /** An ID that is not in use, for a path that is being tried: to be adopted or given back. RFC 9000 §9.5. */
  reserve(): Uint8Array | undefined {
    const entry = this.#known.find((known) => known !== this.#inUse && !this.#reserved.includes(known));
    if (entry === undefined) return undefined;
    this.#reserved.push(entry);
    return entry.id;
  }

  /** The path that this was reserved for is the one in use now: the ID of the path before is given back. */
  adopt(id: Uint8Array): void {
    const entry = this.#unreserve(id);
    if (entry !== undefined) this.#change(entry);
  }

  /** The path that this was reserved for came to nothing; it was seen there, so it is of no more use. */
  giveBack(id: Uint8Array): void {
    const entry = this.#unreserve(id);
    if (entry === undefined || entry === this.#inUse) return;
    remove(this.#known, entry);
    this.#retire(entry.sequence);
  }

  /** The peer moved, and uses another of our IDs: so do we of its, where it has given us one. RFC 9000 §9.5. */
  useFresh(): void {
    const id = this.reserve();
    if (id !== undefined) this.adopt(id);
  }

  #unreserve(id: Uint8Array): PeerId | undefined {
    const entry = this.#reserved.find((one) => one.id === id);
    if (entry !== undefined) remove(this.#reserved, entry);
    return entry !== undefined && this.#known.includes(entry) ? entry : undefined; // the peer may have retired it meanwhile
  }

  #change(entry: PeerId): void {
    const before = this.#inUse;
    this.forgetResetToken();
    this.#inUse = entry;
    this.#use(entry.id);
    if (entry.resetToken !== undefined) this.#tokens.watch(entry.resetToken);
    remove(this.#known, before);
    this.#retire(before.sequence);
  }

  #use(id: Uint8Array): void {
    this.#watch.observer.connectionIdChanged(this.#watch.now, 'remote', this.current, id);
    this.current = id;
  }

  #useAnother(): void {
    this.forgetResetToken(); // RFC 9000 §10.3.1: tokens of retired IDs mean nothing any more
    this.#inUse = this.#known[0]!; // there is one: whoever asks us to retire all below n has issued n or a higher one
    this.#use(this.#inUse.id);
    if (this.#inUse.resetToken !== undefined) this.#tokens.watch(this.#inUse.resetToken);
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
    if (this.#unacknowledged.push(sequence) > MAX_RETIRING * this.#limit)
      throw new TransportError(
        TransportErrorCode.CONNECTION_ID_LIMIT_ERROR,
        `${this.#unacknowledged.length} retirements are not acknowledged`,
        FrameType.NEW_CONNECTION_ID,
      );
  }
}

function remove<T>(list: T[], value: T): void {
  const index = list.indexOf(value);
  if (index >= 0) list.splice(index, 1);
}
