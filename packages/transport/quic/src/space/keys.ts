import {
  type CipherSuite,
  type CryptoProvider,
  confidentialityLimit,
  type HeaderProtector,
  integrityLimit,
  nextSecret,
  type PacketProtector,
  packetProtector,
  trafficKeys,
} from '@quiclab/crypto';
import { type Micros, NEVER } from '@quiclab/sansio';
import { isReserved, TransportError, TransportErrorCode, VERSION_1 } from '@quiclab/wire';

/** Packets kept back from the confidentiality limit, so that there are some left to say goodbye with. */
const RESERVED_FOR_CLOSING = 64;

/** Whose keys the packets of a version have: with a reserved one they look like version 1, and nobody will open them. */
export const keyVersion = (version: number): number => (isReserved(version) ? VERSION_1 : version);

/**
 * The keys of one packet number space, with their generations and usage limits. RFC 9001 §4.1.4, §5, §6. Only the
 * application space has more than one generation; a peer that starts a key update is followed, in step.
 */
export class SpaceKeys {
  /** Key phase bit of what we send. RFC 9001 §6. */
  writePhase: 0 | 1;
  discarded: boolean;
  /** When keys of the previous generation go. */
  deadline: Micros;
  /** How often the peer has moved to the next generation, and how often we have. We are ahead between an update of ours and its answer. */
  generation: number;
  writeGeneration: number;
  /** Packets sealed with the present generation. */
  sealed: number;
  /** The application asks for an update; it happens as soon as RFC 9001 §6.1 lets it. */
  updateWanted: boolean;

  /** QUIC version of the packets that these keys are for. */
  readonly version: number;
  readonly #provider: CryptoProvider;
  readonly #labels: number;
  #suite: CipherSuite;
  #readHeader: HeaderProtector | undefined;
  #readPacket: PacketProtector | undefined;
  #writeHeader: HeaderProtector | undefined;
  #writePacket: PacketProtector | undefined;
  #readSecret: Uint8Array | undefined;
  #writeSecret: Uint8Array | undefined;
  #nextRead: PacketProtector | undefined;
  #previousRead: PacketProtector | undefined;
  #readPhase: 0 | 1;
  #firstInPhase: number; // lowest packet number opened with the current generation
  #firstSealed: number; // lowest packet number sealed with the current generation, -1 before the first
  #unanswered: boolean; // the peer has moved on, and we have not acknowledged anything in the new generation
  #confidentialityLimit: number;

  constructor(provider: CryptoProvider, version: number) {
    this.writePhase = 0;
    this.discarded = false;
    this.deadline = NEVER;
    this.generation = 0;
    this.writeGeneration = 0;
    this.sealed = 0;
    this.updateWanted = false;
    this.#provider = provider;
    this.version = version;
    this.#labels = keyVersion(version);
    this.#suite = 'TLS_AES_128_GCM_SHA256';
    this.#readHeader = undefined;
    this.#readPacket = undefined;
    this.#writeHeader = undefined;
    this.#writePacket = undefined;
    this.#readSecret = undefined;
    this.#writeSecret = undefined;
    this.#nextRead = undefined;
    this.#previousRead = undefined;
    this.#readPhase = 0;
    this.#firstInPhase = 0;
    this.#firstSealed = -1;
    this.#unanswered = false;
    this.#confidentialityLimit = 0;
  }

  get canRead(): boolean {
    return this.#readPacket !== undefined;
  }
  /** Packets that may fail to open, over all keys of a connection. RFC 9001 §6.6. */
  get integrityLimit(): number {
    return integrityLimit(this.#suite);
  }
  get canWrite(): boolean {
    return this.#writePacket !== undefined;
  }

  install(side: 'read' | 'write', suite: CipherSuite, secret: Uint8Array): void {
    const keys = trafficKeys(this.#provider, suite, secret, this.#labels);
    this.#suite = suite;
    this.#confidentialityLimit = confidentialityLimit(suite);
    if (side === 'read') {
      this.#readHeader = keys.header;
      this.#readPacket = keys.packet;
      this.#readSecret = secret;
    } else {
      this.#writeHeader = keys.header;
      this.#writePacket = keys.packet;
      this.#writeSecret = secret;
    }
  }

  /** Drops all keys for good. RFC 9001 §4.9. */
  discard(): void {
    this.discarded = true;
    this.deadline = NEVER;
    this.#readHeader = undefined;
    this.#readPacket = undefined;
    this.#writeHeader = undefined;
    this.#writePacket = undefined;
    this.#readSecret = undefined;
    this.#writeSecret = undefined;
    this.#nextRead = undefined;
    this.#previousRead = undefined;
  }

  /** Removes header protection in place; the packet number's length, or 0 when the packet is too short. */
  unmask(bytes: Uint8Array, start: number, packetNumberOffset: number, end: number): number {
    return this.#readHeader!.unprotect(bytes, start, packetNumberOffset, end);
  }

  seal(
    bytes: Uint8Array,
    start: number,
    packetNumberOffset: number,
    packetNumberLength: number,
    payloadEnd: number,
    packetNumber: number,
  ): void {
    // RFC 9001 §6.6: past the confidentiality limit nothing may be sealed with these keys
    if (++this.sealed > this.#confidentialityLimit)
      throw new TransportError(TransportErrorCode.AEAD_LIMIT_REACHED, `${this.#confidentialityLimit} packets were sealed with one key`);
    if (this.#firstSealed < 0) this.#firstSealed = packetNumber;
    this.#writePacket!.seal(bytes, start, packetNumberOffset + packetNumberLength, payloadEnd, packetNumber);
    this.#writeHeader!.protect(bytes, start, packetNumberOffset, packetNumberLength);
  }

  /** A packet with an ACK frame was sealed: whoever updated its keys will know that we have followed. */
  onAckSealed(): void {
    this.#unanswered = false;
  }

  /** So few packets are left for these keys that only goodbyes may be said with them. RFC 9001 §6.6. */
  get wornOut(): boolean {
    return this.sealed >= this.#confidentialityLimit - RESERVED_FOR_CLOSING;
  }

  /** RFC 9001 §6.1: the last update is over, and the peer has acknowledged something of the present generation. */
  mayUpdate(largestAcked: number): boolean {
    return this.writeGeneration === this.generation && this.#firstSealed >= 0 && largestAcked >= this.#firstSealed;
  }

  /** Our packets are of the next generation from now on, and the peer will follow. RFC 9001 §6.1. */
  update(): void {
    this.updateWanted = false;
    this.#moveWrite();
  }

  /**
   * Opens a packet of the one generation of Initial or Handshake, in place.
   * @returns where the plaintext ends, or -1 when it is not authentic
   */
  openLong(bytes: Uint8Array, start: number, payloadStart: number, end: number, packetNumber: number): number {
    return this.#readPacket!.open(bytes, start, payloadStart, end, packetNumber);
  }

  /**
   * Opens a 1-RTT packet with the generation that its key phase bit names; a packet of the next generation moves both
   * directions on. RFC 9001 §6.2, §6.3, §6.5.
   * @param previousFor  how long packets of the generation before are still taken after an update
   */
  openShort(
    now: Micros,
    bytes: Uint8Array,
    start: number,
    payloadStart: number,
    end: number,
    packetNumber: number,
    phase: 0 | 1,
    previousFor: Micros,
  ): number {
    if (phase === this.#readPhase) {
      const plainEnd = this.#readPacket!.open(bytes, start, payloadStart, end, packetNumber);
      if (plainEnd >= 0 && packetNumber < this.#firstInPhase) this.#firstInPhase = packetNumber;
      return plainEnd;
    }
    // A reordered packet from before the update has a lower number than any of the current generation. RFC 9001 §6.5.
    const previous = this.#previousRead;
    if (packetNumber < this.#firstInPhase)
      return previous === undefined ? -1 : previous.open(bytes, start, payloadStart, end, packetNumber);
    this.#nextRead ??= packetProtector(
      this.#provider,
      this.#suite,
      nextSecret(this.#provider, this.#suite, this.#readSecret!, this.#labels),
      this.#labels,
    );
    const plainEnd = this.#nextRead.open(bytes, start, payloadStart, end, packetNumber);
    if (plainEnd >= 0) this.#follow(now, packetNumber, previousFor);
    else if (previous !== undefined && previous.open(bytes, start, payloadStart, end, packetNumber) >= 0)
      throw new TransportError(
        TransportErrorCode.KEY_UPDATE_ERROR, // RFC 9001 §6.4
        `packet ${packetNumber} has older keys than packet ${this.#firstInPhase}`,
      );
    return plainEnd;
  }

  onDeadline(): void {
    this.#previousRead = undefined;
    this.deadline = NEVER;
  }

  #follow(now: Micros, packetNumber: number, previousFor: Micros): void {
    const isAnswer = this.writeGeneration > this.generation; // to an update of ours, which nobody has to confirm
    if (this.#unanswered && !isAnswer)
      throw new TransportError(
        TransportErrorCode.KEY_UPDATE_ERROR, // RFC 9001 §6.2
        `packet ${packetNumber} updates keys before the last update was answered`,
      );
    this.#previousRead = this.#readPacket;
    this.deadline = now + previousFor;
    this.#readPacket = this.#nextRead;
    this.#nextRead = undefined;
    this.#readSecret = nextSecret(this.#provider, this.#suite, this.#readSecret!, this.#labels);
    this.#readPhase = this.#readPhase === 0 ? 1 : 0;
    this.#firstInPhase = packetNumber;
    this.generation++;
    this.#unanswered = !isAnswer;
    // RFC 9001 §6.2: the answer to an update is our own, before anything in the new generation is acknowledged
    if (!isAnswer) this.#moveWrite();
  }

  #moveWrite(): void {
    this.#writeSecret = nextSecret(this.#provider, this.#suite, this.#writeSecret!, this.#labels);
    this.#writePacket = packetProtector(this.#provider, this.#suite, this.#writeSecret, this.#labels);
    this.writePhase = this.writePhase === 0 ? 1 : 0;
    this.writeGeneration++;
    this.sealed = 0;
    this.#firstSealed = -1;
  }
}
