import { ByteReader, ByteWriter, concat, latin1, sameBytes, toHex } from '@quiclab/bytes';
import { type Aead, type CryptoProvider, TAG_LENGTH } from '@quiclab/crypto';
import { type Address, type Micros, type Random, SECOND } from '@quiclab/sansio';
import { LIMITS } from '../limits.ts';

/** Time within which the answer to a Retry must come: several round trips of the slowest path. RFC 9000 §8.1.3 asks for a short one. */
const RETRY_LIFETIME: Micros = 30 * SECOND;
/** How long a NEW_TOKEN token may be brought back. */
const NEW_TOKEN_LIFETIME: Micros = 24 * 3600 * SECOND;
/** Keys change so often; the one before still opens what it sealed. */
const EPOCH: Micros = NEW_TOKEN_LIFETIME;
const MAX_USED = LIMITS.usedTokens.value;

/** Tells our tokens from those of another server, which are nothing worse than unknown. */
const MARK_LENGTH = 3;
const NONCE_AT = MARK_LENGTH + 2;
const NONCE_LENGTH = 12;
const RETRY = 1;
const NEW_TOKEN = 2;

/** What a token of ours says: the client was at this address. */
export type OpenedToken =
  /** After our Retry: the connection IDs before and after it, for the transport parameters (RFC 9000 §7.3). */
  | { readonly kind: 'retry'; readonly originalDestination: Uint8Array; readonly retrySource: Uint8Array }
  /** From an earlier connection, brought back for the first time. */
  | { readonly kind: 'new-token' }
  /** Made by a Retry of ours, perhaps; but expired, altered or from elsewhere: RFC 9000 §8.1.2, INVALID_TOKEN. */
  | { readonly kind: 'invalid-retry' }
  /** Nothing that validates an address; to be passed over (§8.1.3). */
  | { readonly kind: 'unknown' };

/**
 * Tokens by which a client proves that it receives what is sent to its address: sealed, so that nobody else can make one;
 * bound to the address and to QUIC's version; good for a time; those of NEW_TOKEN good once. RFC 9000 §8.1.2 to §8.1.4.
 * Layout: mark (3), kind (1), epoch parity (1), nonce (12), sealed: issued at (8), then what the kind asks for.
 */
export class AddressTokens {
  readonly #provider: CryptoProvider;
  readonly #random: Random;
  readonly #master = new Uint8Array(32);
  readonly #mark: Uint8Array;
  #epoch = -1;
  #keys: Aead[] = []; // of this epoch, and of the one before
  #used: Set<string>[] = [];

  constructor(provider: CryptoProvider, random: Random) {
    this.#provider = provider;
    this.#random = random;
    random.fill(this.#master);
    this.#mark = provider.hmac('sha256', this.#master, latin1('address token mark')).slice(0, MARK_LENGTH);
  }

  /** The token of a Retry packet. */
  forRetry(now: Micros, client: Address, version: number, originalDestination: Uint8Array, retrySource: Uint8Array): Uint8Array {
    const body = ByteWriter.growable(64);
    body.uint8(originalDestination.length);
    body.octets(originalDestination);
    body.octets(retrySource);
    return this.#seal(now, RETRY, bound(client, version), body.written());
  }

  /** A token for the client's next connection. The port is left out: it will be another one. */
  forNextConnection(now: Micros, client: Address, version: number): Uint8Array {
    return this.#seal(now, NEW_TOKEN, bound({ host: client.host, port: 0 }, version), new Uint8Array(0));
  }

  /** @param version  of the connection that it comes to, which must be the one that it came from: RFC 9369 §5 */
  open(now: Micros, token: Uint8Array, client: Address, version: number): OpenedToken {
    const kind = token[MARK_LENGTH];
    if ((kind !== RETRY && kind !== NEW_TOKEN) || token.length < NONCE_AT + NONCE_LENGTH + 8 + TAG_LENGTH) return UNKNOWN;
    if (!sameBytes(token.subarray(0, MARK_LENGTH), this.#mark)) return UNKNOWN;
    const refused: OpenedToken = kind === RETRY ? { kind: 'invalid-retry' } : UNKNOWN;
    this.#advance(now);
    const age = (this.#epoch & 1) === token[MARK_LENGTH + 1] ? 0 : 1;
    const key = this.#keys[age];
    if (key === undefined) return refused;
    const address = bound(kind === RETRY ? client : { host: client.host, port: 0 }, version);
    const bytes = concat(address, token);
    const payload = address.length + NONCE_AT + NONCE_LENGTH;
    const end = key.open(token.slice(NONCE_AT, NONCE_AT + NONCE_LENGTH), bytes, 0, payload, bytes.length);
    if (end < 0) return refused;
    const reader = new ByteReader(bytes, payload, end);
    const issuedAt = reader.uint32() * 0x1_0000_0000 + reader.uint32();
    if (issuedAt + (kind === RETRY ? RETRY_LIFETIME : NEW_TOKEN_LIFETIME) < now) return refused;
    if (kind === NEW_TOKEN) return this.#firstUse(age, token) ? { kind: 'new-token' } : UNKNOWN;
    const originalDestination = reader.take(reader.uint8()).slice();
    return { kind: 'retry', originalDestination, retrySource: reader.take(reader.remaining).slice() };
  }

  #seal(now: Micros, kind: number, address: Uint8Array, body: Uint8Array): Uint8Array {
    this.#advance(now);
    const nonce = new Uint8Array(NONCE_LENGTH);
    this.#random.fill(nonce);
    const writer = ByteWriter.growable(128);
    writer.octets(address); // authenticated, not sent
    writer.octets(this.#mark);
    writer.uint8(kind);
    writer.uint8(this.#epoch & 1);
    writer.octets(nonce);
    const payload = writer.position;
    writer.uint32(Math.floor(now / 0x1_0000_0000));
    writer.uint32(now >>> 0);
    writer.octets(body);
    const end = writer.position;
    writer.zeros(TAG_LENGTH);
    this.#keys[0]!.seal(nonce, writer.bytes, 0, payload, end);
    return writer.bytes.slice(address.length, end + TAG_LENGTH);
  }

  #firstUse(age: number, token: Uint8Array): boolean {
    const used = this.#used[age]!;
    const nonce = toHex(token.subarray(NONCE_AT, NONCE_AT + NONCE_LENGTH));
    if (used.has(nonce) || used.size >= MAX_USED) return false;
    used.add(nonce);
    return true;
  }

  #advance(now: Micros): void {
    const epoch = Math.floor(now / EPOCH);
    if (epoch === this.#epoch) return;
    const before = epoch === this.#epoch + 1 ? this.#used[0] : undefined;
    this.#epoch = epoch;
    this.#keys = [this.#key(epoch), this.#key(epoch - 1)];
    this.#used = [new Set(), before ?? new Set()];
  }

  #key(epoch: number): Aead {
    const secret = this.#provider.hmac('sha256', this.#master, latin1(`address token ${epoch}`));
    return this.#provider.aead('TLS_AES_128_GCM_SHA256', secret.slice(0, 16));
  }
}

const UNKNOWN: OpenedToken = { kind: 'unknown' };

const bound = ({ host, port }: Address, version: number): Uint8Array => latin1(`${version} ${host} ${port} `);
