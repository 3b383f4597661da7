import { ByteWriter, utf8 } from '@quiclab/bytes';
import { type CryptoProvider, retryIntegrityTag, TAG_LENGTH, trafficKeys } from '@quiclab/crypto';
import type { Address, Datagram, Random } from '@quiclab/sansio';
import {
  MIN_STATELESS_RESET,
  type PacketHeader,
  PacketType,
  RESET_TOKEN_LENGTH,
  setLength,
  writeConnectionClose,
  writeLongHeader,
  writeRetry,
  writeStatelessReset,
  writeVersionNegotiation,
} from '@quiclab/wire';
import { reservedVersion } from '../connection/versions.ts';
import { LIMITS } from '../limits.ts';

const MAX_WAITING = LIMITS.statelessAnswers.value;
/** The longest reset we send looks like a small packet. */
const MAX_RESET = 43;

interface Answer {
  readonly bytes: Uint8Array;
  readonly local: Address;
  readonly remote: Address;
}

const NO_TOKEN = new Uint8Array(0);

/** Answers that need no connection: Version Negotiation, Retry, refusals and stateless resets. RFC 9000 §6.1, §8.1.2, §10.3. */
export class Stateless {
  readonly #waiting: Answer[] = [];
  readonly #random: Random;
  readonly #crypto: CryptoProvider;
  readonly #key = new Uint8Array(32);
  readonly #hashKey = new Uint8Array(32);

  constructor(random: Random, crypto: CryptoProvider) {
    this.#random = random;
    this.#crypto = crypto;
    random.fill(this.#key);
    random.fill(this.#hashKey);
  }

  /** No more answers are taken before some have left. */
  get full(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /** The token by which we will be known to have lost a connection's state: an HMAC of its ID. RFC 9000 §10.3.2. */
  resetToken(id: Uint8Array): Uint8Array {
    return this.#crypto.hmac('sha256', this.#key, id).slice(0, RESET_TOKEN_LENGTH);
  }

  /** What a peer's token is looked up by. RFC 9000 §10.3.1: the token itself must not be what is compared. */
  tokenHash(token: Uint8Array): Uint8Array {
    return this.#crypto.hmac('sha256', this.#hashKey, token);
  }

  /** @param header    of the packet that is answered  @param versions  that we speak, preferred first */
  versionNegotiation(datagram: Datagram, header: PacketHeader, versions: readonly number[]): void {
    const writer = ByteWriter.growable();
    // RFC 9000 §6.3: a reserved version keeps peers from relying on the list; not the client's own, with which it would be ignored (§6.2)
    let grease = reservedVersion(this.#random);
    while (grease === header.version) grease = reservedVersion(this.#random);
    writeVersionNegotiation(writer, header.sourceId, header.destinationId, [...versions, grease], this.#random.uint32() & 0x3f);
    this.#answer(datagram, writer.written().slice());
  }

  /** A packet for nobody gets a reset that is smaller than itself, so that two endpoints cannot keep resetting each other. RFC 9000 §10.3.3. */
  reset(datagram: Datagram, id: Uint8Array): void {
    const length = Math.min(MAX_RESET, datagram.length - 1);
    if (length < MIN_STATELESS_RESET) return;
    const bytes = new Uint8Array(length);
    this.#random.fill(bytes);
    writeStatelessReset(new ByteWriter(bytes), length, this.resetToken(id));
    this.#answer(datagram, bytes);
  }

  /** Asks a client to come back with this token. RFC 9000 §17.2.5. @param header  of its Initial */
  retry(datagram: Datagram, header: PacketHeader, source: Uint8Array, token: Uint8Array): void {
    const writer = ByteWriter.growable();
    writeRetry(writer, header.version, header.sourceId, source, token, this.#random.uint32() & 0x0f);
    writer.octets(retryIntegrityTag(this.#crypto, header.version, header.destinationId, writer.written()));
    this.#answer(datagram, writer.written().slice());
  }

  /** Closes before there is a connection: one Initial with CONNECTION_CLOSE. RFC 9000 §10.2.3. @param secret  of the server's Initials */
  refuse(datagram: Datagram, header: PacketHeader, secret: Uint8Array, code: number, reason: string): void {
    const writer = ByteWriter.growable(256);
    const { destinationId, sourceId } = header;
    const packetNumberOffset = writeLongHeader(writer, PacketType.INITIAL, header.version, sourceId, destinationId, NO_TOKEN, 0, 1);
    const payloadStart = writer.position;
    writeConnectionClose(writer, code, 0, utf8(reason));
    const payloadEnd = writer.position;
    writer.zeros(TAG_LENGTH);
    setLength(writer.bytes, packetNumberOffset, writer.position);
    const keys = trafficKeys(this.#crypto, 'TLS_AES_128_GCM_SHA256', secret, header.version);
    keys.packet.seal(writer.bytes, 0, payloadStart, payloadEnd, 0);
    keys.header.protect(writer.bytes, 0, packetNumberOffset, 1);
    this.#answer(datagram, writer.written().slice());
  }

  pollTransmit(into: Datagram): boolean {
    let answer = this.#waiting.shift();
    while (answer !== undefined && answer.bytes.length > into.bytes.length) answer = this.#waiting.shift(); // the slot is no datagram's size
    if (answer === undefined) return false;
    into.bytes.set(answer.bytes);
    into.length = answer.bytes.length;
    into.local = answer.local;
    into.remote = answer.remote;
    into.ecn = 0;
    return true;
  }

  #answer(to: Datagram, bytes: Uint8Array): void {
    if (!this.full) this.#waiting.push({ bytes, local: to.local, remote: to.remote });
  }
}
