import { sameBytes } from '@quiclab/bytes';
import { type CryptoProvider, initialSecrets, trafficKeys } from '@quiclab/crypto';
import type { Datagram, Micros } from '@quiclab/sansio';
import { expandPacketNumber, type PacketHeader, readPacketNumber, TransportErrorCode } from '@quiclab/wire';
import type { TransportConfig } from '../config.ts';
import type { DropReason } from '../errors.ts';
import type { Stateless } from './stateless.ts';
import type { AddressTokens } from './tokens.ts';

/** A client's first destination connection ID is unpredictable and at least so long. RFC 9000 §7.2. */
export const MIN_FIRST_ID = 8;
const NONE = { kind: 'unknown' } as const;

export type InitialSecrets = ReturnType<typeof initialSecrets>;

/** What the endpoint holds already. */
export interface Load {
  readonly halfOpen: number;
  readonly connections: number;
  readonly closed: boolean;
}

/** What a first Initial that is let in says. */
export interface Admitted {
  /** Where it went. */
  readonly first: Uint8Array;
  readonly originalDestination: Uint8Array;
  /** After a Retry: the ID that it gave. */
  readonly retrySource: Uint8Array | undefined;
  readonly addressValidated: boolean;
  readonly secrets: InitialSecrets;
}

/** A first Initial: whether it begins a connection, is asked to come back with a token, or is refused. RFC 9000 §5.2.2, §7.2, §8.1. */
export class Admission {
  readonly #provider: CryptoProvider;
  readonly #config: TransportConfig;
  readonly #stateless: Stateless;
  readonly #tokens: AddressTokens;
  readonly #retry: 'never' | 'always' | 'under-load';
  readonly #freshId: () => Uint8Array;

  constructor(
    provider: CryptoProvider,
    config: TransportConfig,
    stateless: Stateless,
    tokens: AddressTokens,
    retry: 'never' | 'always' | 'under-load',
    freshId: () => Uint8Array,
  ) {
    this.#provider = provider;
    this.#config = config;
    this.#stateless = stateless;
    this.#tokens = tokens;
    this.#retry = retry;
    this.#freshId = freshId;
  }

  /** @returns what a connection is to be made of; why the datagram was dropped; or '' when it was answered by a Retry */
  decide(now: Micros, datagram: Datagram, header: PacketHeader, load: Load): Admitted | DropReason | '' {
    if (header.destinationIdLength < MIN_FIRST_ID && header.tokenLength === 0) return 'header';
    const full = load.closed || load.halfOpen >= this.#config.maxHalfOpen || load.connections >= this.#config.maxConnections;
    if (full && this.#stateless.full) return 'refused'; // those before it are told why; a flood is not worth keys
    const secrets = authenticate(this.#provider, header);
    if (secrets === undefined) return 'not-authentic';
    if (full) {
      // RFC 9000 §5.2.2
      this.#stateless.refuse(datagram, header, secrets.server, TransportErrorCode.CONNECTION_REFUSED, load.closed ? 'closing' : 'busy');
      return 'refused';
    }
    const first = header.destinationId.slice();
    const token = header.tokenLength > 0 ? this.#tokens.open(now, header.token, datagram.remote, header.version) : NONE;
    if (token.kind === 'invalid-retry' || (token.kind === 'retry' && !sameBytes(token.retrySource, first))) {
      // RFC 9000 §8.1.2: a client that has been asked already will not take another Retry; it is told at once
      this.#stateless.refuse(datagram, header, secrets.server, TransportErrorCode.INVALID_TOKEN, 'the token of the Retry is not valid');
      return 'refused';
    }
    // RFC 9000 §7.2; after a Retry the ID is ours, and may be shorter
    if (first.length < MIN_FIRST_ID && token.kind !== 'retry') return 'header';
    if (token.kind === 'unknown' && this.#asksForRetry(load)) {
      const source = this.#freshId();
      this.#stateless.retry(datagram, header, source, this.#tokens.forRetry(now, datagram.remote, header.version, first, source));
      return '';
    }
    const afterRetry = token.kind === 'retry';
    return {
      first,
      originalDestination: afterRetry ? token.originalDestination : first,
      retrySource: afterRetry ? first : undefined,
      addressValidated: token.kind !== 'unknown',
      secrets,
    };
  }

  #asksForRetry({ halfOpen }: Load): boolean {
    return this.#retry === 'always' || (this.#retry === 'under-load' && halfOpen >= this.#config.retryAbove);
  }
}

/**
 * Whether a first Initial is one. Anyone can make one (RFC 9001 §5.2), but what was damaged on the way, or is no QUIC at
 * all, must not cost a connection that nobody will ever speak to again.
 * @returns the secrets of Initial packets, or undefined when this one is not authentic. The datagram is left as it is.
 */
function authenticate(provider: CryptoProvider, header: PacketHeader): InitialSecrets | undefined {
  const secrets = initialSecrets(provider, header.version, header.destinationId);
  const keys = trafficKeys(provider, 'TLS_AES_128_GCM_SHA256', secrets.client, header.version);
  const packet = header.bytes.slice(header.start, header.end);
  const packetNumberOffset = header.packetNumberOffset - header.start;
  const length = keys.header.unprotect(packet, 0, packetNumberOffset, packet.length);
  if (length === 0) return undefined;
  const packetNumber = expandPacketNumber(-1, readPacketNumber(packet, packetNumberOffset, length), length);
  return keys.packet.open(packet, 0, packetNumberOffset + length, packet.length, packetNumber) < 0 ? undefined : secrets;
}
