import { fromLatin1, sameBytes } from '@quiclab/bytes';
import { type Aead, type CryptoProvider, suiteKeyLength, TAG_LENGTH } from '@quiclab/crypto';
import { type Micros, type Random, SECOND } from '@quiclab/sansio';
import { LONGEST_LIFETIME, type TicketKeeper } from './tickets.ts';
import { UsedTickets } from './used-tickets.ts';

export interface TicketKeeperOptions {
  readonly provider: CryptoProvider;
  /** Keys and nonces are drawn from it: `systemRandom` wherever a ticket is worth anything. */
  readonly random: Random;
  /** How long a ticket is good for. Default two days, at most seven. */
  readonly lifetime?: Micros;
  /** How long one key seals. It opens for a ticket's lifetime longer; after that, what it sealed stays sealed. Default one day. */
  readonly rotateEvery?: Micros;
  /** How far a ClientHello may arrive from when its ticket's age says it should, for its early data to be taken. Default 10 s (RFC 9846 §8.3). */
  readonly ageTolerance?: Micros;
  /** Tickets that may bring early data within twice the tolerance; early data beyond that is refused. Default 16,384. */
  readonly replayLimit?: number;
}

/**
 * Tickets that carry their state themselves, sealed with AES-256-GCM under keys that live in this object only. After a
 * restart there are others, so that no replay from before it can be opened (RFC 9846 §8.2).
 */
export const ticketKeeper = (options: TicketKeeperOptions): TicketKeeper => new SealingKeeper(options);

/** Default of `replayLimit`. */
export const REPLAY_LIMIT = 16_384;

const DAY = 24 * 3600 * SECOND;
const SUITE = 'TLS_AES_256_GCM_SHA384';
const NAME_LENGTH = 4;
const NONCE_LENGTH = 12;
const HEADER_LENGTH = NAME_LENGTH + NONCE_LENGTH;
/** Random nonces repeat one day: beyond 2^32 under one key that is no longer out of the question (NIST SP 800-38D §8.3). */
const SEALS_PER_KEY = 2 ** 32;
const MAX_KEYS = 64;

interface Key {
  readonly name: Uint8Array;
  readonly aead: Aead;
  readonly since: Micros;
}

class SealingKeeper implements TicketKeeper {
  readonly lifetime: Micros;
  readonly #provider: CryptoProvider;
  readonly #keyRandom: Random;
  readonly #nonceRandom: Random;
  readonly #rotateEvery: Micros;
  readonly #ageTolerance: Micros;
  readonly #used: UsedTickets;
  /** The first seals, all of them open. */
  readonly #keys: Key[] = [];
  #keysMade = 0;
  #sealed = 0;
  #sealedByKey = 0;

  constructor(options: TicketKeeperOptions) {
    const { provider, random, lifetime = 2 * DAY, rotateEvery = DAY, ageTolerance = 10 * SECOND, replayLimit = REPLAY_LIMIT } = options;
    if (!(lifetime >= SECOND && lifetime <= LONGEST_LIFETIME))
      throw new Error(`tickets for ${lifetime} µs; one second to seven days are possible`);
    if (!(rotateEvery > lifetime / MAX_KEYS))
      throw new Error(`keys for ${rotateEvery} µs, tickets for ${lifetime}: more than ${MAX_KEYS} keys`);
    if (!(ageTolerance >= 0) || !(replayLimit >= 0)) throw new Error('the age tolerance and the replay limit must not be negative');
    this.lifetime = lifetime;
    this.#provider = provider;
    this.#keyRandom = random.fork('tickets/keys');
    this.#nonceRandom = random.fork('tickets/nonces');
    this.#rotateEvery = rotateEvery;
    this.#ageTolerance = ageTolerance;
    // a ClientHello that is taken a tolerance early is fresh for two more
    this.#used = new UsedTickets(2 * ageTolerance, replayLimit);
  }

  seal(now: Micros, state: Uint8Array): Uint8Array {
    const { name, aead } = this.#sealingKey(now);
    const ticket = new Uint8Array(HEADER_LENGTH + state.length + TAG_LENGTH);
    const nonce = new Uint8Array(NONCE_LENGTH);
    this.#nonceRandom.at(this.#sealed++).fill(nonce);
    this.#sealedByKey++;
    ticket.set(name);
    ticket.set(nonce, NAME_LENGTH);
    ticket.set(state, HEADER_LENGTH);
    aead.seal(nonce, ticket, 0, HEADER_LENGTH, HEADER_LENGTH + state.length);
    return ticket;
  }

  open(now: Micros, ticket: Uint8Array): Uint8Array | undefined {
    this.#sealingKey(now);
    if (ticket.length < HEADER_LENGTH + TAG_LENGTH) return undefined;
    const key = this.#keys.find(({ name }) => sameBytes(name, ticket.subarray(0, NAME_LENGTH)));
    if (key === undefined) return undefined;
    const octets = ticket.slice();
    const end = key.aead.open(octets.slice(NAME_LENGTH, HEADER_LENGTH), octets, 0, HEADER_LENGTH, octets.length);
    return end < 0 ? undefined : octets.subarray(HEADER_LENGTH, end);
  }

  admitEarlyData(now: Micros, ticket: Uint8Array, expectedAt: Micros): boolean {
    if (now > expectedAt + this.#ageTolerance || now < expectedAt - this.#ageTolerance) return false;
    return this.#used.claim(now, fromLatin1(ticket.subarray(0, HEADER_LENGTH)));
  }

  /** Turns the keys over where it is time, whoever calls: a key that is gone cannot be found either. */
  #sealingKey(now: Micros): Key {
    const keys = this.#keys;
    while (keys.length > 0 && now >= keys.at(-1)!.since + this.#rotateEvery + this.lifetime) keys.pop();
    const [current] = keys;
    if (current !== undefined && now < current.since + this.#rotateEvery && this.#sealedByKey < SEALS_PER_KEY) return current;
    const key = this.#newKey(now);
    keys.unshift(key);
    this.#sealedByKey = 0;
    return key;
  }

  #newKey(now: Micros): Key {
    const octets = new Uint8Array(NAME_LENGTH + suiteKeyLength(SUITE));
    this.#keyRandom.at(this.#keysMade++).fill(octets);
    return { name: octets.subarray(0, NAME_LENGTH), aead: this.#provider.aead(SUITE, octets.subarray(NAME_LENGTH)), since: now };
  }
}
