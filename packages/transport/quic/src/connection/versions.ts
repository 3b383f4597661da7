import { type CryptoProvider, initialSecrets } from '@quiclab/crypto';
import { integerBelow, type Random } from '@quiclab/sansio';
import { FrameType, TransportError, TransportErrorCode, VERSION_1, type VersionInformation } from '@quiclab/wire';
import { keyVersion, SpaceKeys } from '../space/keys.ts';

/** One connection in so many has a reserved version among its available ones. RFC 9368 §3. */
const GREASED_LISTS = 4;

/**
 * Which version a connection has, and by whose choice. RFC 9368, RFC 9369 §4. A client begins with one; its server may go on with
 * another that the client has available (compatible negotiation), or ask for another attempt (incompatible). Either way both say
 * in their transport parameters what they know, so that nobody in between can have chosen for them.
 */
export class Versions {
  /** Of this attempt's first flight: Retry and 0-RTT packets have no other. */
  original: number;
  /** What is sent, and in the end the negotiated one: the original version until another is known to be chosen. */
  current: number;
  /** Nothing will change it any more: a client has had handshake data, a server has said some. */
  settled: boolean;
  /** A client's: this is its second attempt, after a Version Negotiation packet. RFC 9368 §2.1. */
  isSecondAttempt: boolean;
  readonly #ours: readonly number[];
  readonly #reserved: number;
  readonly #reservedAt: number;
  #candidate: SpaceKeys | undefined;

  /** @param ours  versions that we speak, preferred first */
  constructor(original: number, ours: readonly number[], random: Random | undefined) {
    this.original = original;
    this.current = original;
    this.settled = false;
    this.isSecondAttempt = false;
    this.#ours = ours;
    this.#reserved = random !== undefined && random.uint32() % GREASED_LISTS === 0 ? reservedVersion(random) : 0;
    this.#reservedAt = this.#reserved === 0 ? 0 : integerBelow(random!, ours.length + 1);
    this.#candidate = undefined;
  }

  /** What we say in version_information. */
  information(): VersionInformation {
    const available = [...this.#ours];
    if (this.#reserved !== 0) available.splice(this.#reservedAt, 0, this.#reserved);
    if (!available.includes(this.current)) available.unshift(this.current); // a reserved one, by which a client asks for Version Negotiation
    return { chosen: this.current, available };
  }

  /** The one of ours that we like best among these. */
  select(among: readonly number[]): number | undefined {
    return this.#ours.find((version) => among.includes(version));
  }

  /** A client's next attempt, with a version that the server says that it speaks. RFC 9368 §2.1. */
  restart(version: number): void {
    this.original = version;
    this.current = version;
    this.isSecondAttempt = true;
    this.#candidate = undefined;
  }

  /** Initial packets go elsewhere, and have other keys. */
  onRetry(): void {
    this.#candidate = undefined;
  }

  /** At a client: whether the server may have chosen this one, as its packets say. RFC 9369 §4.1. */
  mayBecome(version: number): boolean {
    return !this.settled && version !== this.original && this.#ours.includes(version);
  }

  /** At a client: keys to try whether an Initial packet of that version is authentic; made once. */
  candidateKeys(version: number, make: (version: number) => SpaceKeys): SpaceKeys {
    if (this.#candidate?.version !== version) this.#candidate = make(version);
    return this.#candidate;
  }

  /**
   * At a server: the version to go on with. Throws VERSION_NEGOTIATION_ERROR where the client says that it chose another version
   * than its packets have. RFC 9368 §4.
   * @param byPreference  ours decides; else the client's choice stays
   */
  choose(client: VersionInformation | undefined, byPreference: boolean): number {
    if (client === undefined) return this.original; // RFC 9368 §4: it knows nothing of this, and may go on
    if (client.chosen !== this.original) fail(`the client chose version ${show(client.chosen)}, its packets have ${show(this.original)}`);
    return byPreference && !this.settled ? (this.select(client.available) ?? this.original) : this.original;
  }

  /** At a client: that nobody but the server has chosen. Throws VERSION_NEGOTIATION_ERROR. RFC 9368 §4. */
  authenticate(server: VersionInformation | undefined): void {
    const { current, original } = this;
    if (server === undefined) {
      // §8: a server that speaks version 1 and nothing else may never have heard of saying so
      const versionOneOnly = current === VERSION_1 && original === VERSION_1;
      if (!versionOneOnly && (this.isSecondAttempt || current !== original))
        fail(`the server does not say that it chose version ${show(current)}`);
      return;
    }
    if (server.chosen !== current) fail(`the server chose version ${show(server.chosen)}, its packets have ${show(current)}`);
    if (!this.isSecondAttempt) return;
    // would we have begun like this, had we known? If not, the Version Negotiation packet was somebody else's
    const better = server.available.length === 0 ? 0 : this.select([...server.available, current]);
    if (better !== original)
      fail(`a Version Negotiation packet led to version ${show(original)}, the server speaks ${server.available.map(show).join(', ')}`);
  }
}

/** A version of 0x?a?a?a?a. RFC 9000 §6.3, §15. */
export const reservedVersion = (random: Random): number => ((random.uint32() & 0xf0f0_f0f0) | 0x0a0a_0a0a) >>> 0;

/** What is good for one version only, with that version before it: sessions and tokens as applications keep them. RFC 9369 §5. */
export function stamp(version: number, data: Uint8Array): Uint8Array {
  const stamped = new Uint8Array(4 + data.length);
  new DataView(stamped.buffer).setUint32(0, version);
  stamped.set(data, 4);
  return stamped;
}

/** The version of a session or token; 0 for what is none. */
export const stampOf = (stamped: Uint8Array): number =>
  stamped.length < 4 ? 0 : new DataView(stamped.buffer, stamped.byteOffset).getUint32(0);

/** The keys of Initial packets. RFC 9001 §5.2. @param destination  ID that the client's first Initial goes to, or went to after a Retry */
export function initialKeys(crypto: CryptoProvider, side: 'client' | 'server', version: number, destination: Uint8Array): SpaceKeys {
  const keys = new SpaceKeys(crypto, version);
  installInitial(keys, side, initialSecrets(crypto, keyVersion(version), destination));
  return keys;
}

export function installInitial(
  keys: SpaceKeys,
  side: 'client' | 'server',
  secrets: { readonly client: Uint8Array; readonly server: Uint8Array },
): void {
  keys.install('read', 'TLS_AES_128_GCM_SHA256', side === 'client' ? secrets.server : secrets.client);
  keys.install('write', 'TLS_AES_128_GCM_SHA256', side === 'client' ? secrets.client : secrets.server);
}

const show = (version: number): string => `0x${version.toString(16)}`;

function fail(reason: string): never {
  throw new TransportError(TransportErrorCode.VERSION_NEGOTIATION_ERROR, reason, FrameType.CRYPTO);
}
