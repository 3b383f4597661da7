import { type CipherSuite, type CryptoProvider, hashLength, suiteHash } from '@quiclab/crypto';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { KeySchedule } from './key-schedule.ts';
import { encodeOfferedPsks, withoutBinders } from './pre-shared-key.ts';
import { decodeSession, type Session } from './session.ts';
import type { Transcript } from './transcript.ts';

/** What a session has to fit. */
export interface OfferTerms {
  readonly serverName: string;
  readonly suites: readonly CipherSuite[];
  /** Whether a server has to prove who it is. */
  readonly verify: boolean;
  readonly context: string;
}

/** A session that can be offered now; undefined for octets that are none, and for one that does not fit. RFC 9846 §4.2.11, §4.6.1. */
export function sessionToOffer(octets: Uint8Array, now: Micros, terms: OfferTerms): Session | undefined {
  const session = decodeSession(octets);
  if (session === undefined) return undefined;
  const fits =
    now >= session.receivedAt &&
    now < session.expiresAt &&
    session.serverName === terms.serverName &&
    session.context === terms.context &&
    terms.suites.some((suite) => suiteHash(suite) === suiteHash(session.suite)) &&
    // whoever wants a certificate verified must not get by with one that was not
    (session.verified || !terms.verify);
  return fits ? session : undefined;
}

/** A session in a ClientHello: its pre_shared_key extension and the binder in it. */
export class SessionOffer {
  readonly session: Session;
  /** At the Early Secret, with the suite of the session. */
  readonly keys: KeySchedule;
  readonly #binderLength: number;

  constructor(provider: CryptoProvider, session: Session) {
    this.session = session;
    this.keys = new KeySchedule(provider, session.suite, session.key);
    this.#binderLength = hashLength(this.keys.hash);
  }

  /** pre_shared_key with zeros for a binder: everything has its final length, which is hashed as well (RFC 9846 §4.2.11.2). */
  extension(now: Micros): Uint8Array {
    const { ticket: identity, receivedAt, ageAdd } = this.session;
    const age = Math.floor((now - receivedAt) / MILLISECOND);
    const obfuscatedAge = (age + ageAdd) >>> 0; // RFC 9846 §4.2.11.1: modulo 2^32
    return encodeOfferedPsks({ identities: [{ identity, obfuscatedAge }], binders: [new Uint8Array(this.#binderLength)] });
  }

  /** Puts the binder where the zeros are, at the end of an encoded ClientHello. @param transcript  of what came before it */
  bind(clientHello: Uint8Array, transcript: Transcript): void {
    const place = clientHello.subarray(clientHello.length - this.#binderLength);
    place.set(this.keys.binder(transcript.hashWith(this.keys.hash, withoutBinders(clientHello, [place]))));
  }
}
