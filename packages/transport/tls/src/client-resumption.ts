import { type CipherSuite, suiteHash } from '@quiclab/crypto';
import { type Micros, SECOND } from '@quiclab/sansio';
import type { ClientSettings } from './config.ts';
import { illegalParameter } from './decoding.ts';
import { decodeCodePoint } from './extension-data.ts';
import { type Extensions, ExtensionType } from './extensions.ts';
import { type KeySchedule, resumptionKey } from './key-schedule.ts';
import { decodeNewSessionTicket } from './messages/new-session-ticket.ts';
import type { HandshakeOptions, HandshakeStep, HandshakeTransport } from './port.ts';
import { checkEmptyEarlyData, PSK_MODES } from './pre-shared-key.ts';
import { encodeSession } from './session.ts';
import { sessionContext } from './session-context.ts';
import { SessionOffer, sessionToOffer } from './session-offer.ts';
import { LONGEST_LIFETIME } from './tickets.ts';
import type { Transcript } from './transcript.ts';

/** Tickets beyond these are checked, and forgotten: nobody opens so many connections next. */
export const MAX_SESSIONS = 16;

/** What a connection hands on to those that resume it. */
interface Origin {
  readonly suite: CipherSuite;
  /** 'res master' */
  readonly secret: Uint8Array;
  readonly alpn: string;
  readonly parameters: Uint8Array;
  readonly authenticatedAt: Micros;
  readonly verified: boolean;
}

/**
 * A client's dealings with sessions: one is offered, the server takes it or not, and its early data with it or not; then
 * come tickets for the next ones. RFC 9846 §2.2, §2.3, §4.2.10, §4.2.11, §4.6.1.
 */
export class ClientResumption {
  /** The session in the latest ClientHello; once the server has spoken, the one that is resumed. */
  offer: SessionOffer | undefined = undefined;
  earlyData: 'none' | 'accepted' | 'rejected' = 'none';
  #pending = false;
  #origin: Origin | undefined = undefined;
  #sessions = 0;
  readonly #settings: ClientSettings;
  readonly #options: HandshakeOptions;
  readonly #serverName: string;
  readonly #emit: (step: HandshakeStep) => void;

  /** @param serverName  without a trailing dot */
  constructor(settings: ClientSettings, options: HandshakeOptions, serverName: string, emit: (step: HandshakeStep) => void) {
    this.#settings = settings;
    this.#options = options;
    this.#serverName = serverName.toLowerCase();
    this.#emit = emit;
  }

  /** Looks at the session that it was given, if any. */
  choose(now: Micros): void {
    const { session: octets, alpn, earlyData = false } = this.#options;
    if (octets === undefined) return;
    const { provider, suites, trust } = this.#settings;
    const terms = { serverName: this.#serverName, suites, verify: trust.verify !== false, context: sessionContext(this.#options) };
    const session = sessionToOffer(octets, now, terms);
    if (session === undefined) return;
    this.offer = new SessionOffer(provider, session);
    // RFC 9846 §4.2.10: suite and protocol of the early data are the session's, so that both must be on offer again
    this.#pending = earlyData && session.earlyData && alpn.includes(session.alpn) && suites.includes(session.suite);
  }

  /** Whether early data was offered, and the server has not said yet what becomes of it. */
  get undecided(): boolean {
    return this.#pending;
  }

  /** Adds what a first ClientHello says about it. Nothing may be added after this: pre_shared_key is the last extension (RFC 9846 §4.2.11). */
  extend(now: Micros, extensions: Map<number, Uint8Array>): void {
    extensions.set(ExtensionType.PSK_KEY_EXCHANGE_MODES, PSK_MODES); // without a session, too: it asks for one (RFC 9846 §4.2.9)
    if (this.#pending) extensions.set(ExtensionType.EARLY_DATA, new Uint8Array(0));
    if (this.offer !== undefined) extensions.set(ExtensionType.PRE_SHARED_KEY, this.offer.extension(now));
  }

  /** Right after the first ClientHello. @param transcript  with that in it */
  startEarlyData(transcript: Transcript, clientRandom: Uint8Array): void {
    if (!this.#pending) return;
    const { session, keys } = this.offer!;
    if (this.#transport === 'quic') this.#emit({ type: 'remembered-parameters', data: session.parameters });
    else this.#emit({ type: 'early', alpn: session.alpn, octets: session.maxEarlyData });
    this.#emit({
      type: 'secret',
      level: 'early',
      side: 'write',
      suite: session.suite,
      secret: keys.derive('c e traffic', transcript.hash(keys.hash)),
      label: 'CLIENT_EARLY_TRAFFIC_SECRET',
      clientRandom,
    });
  }

  /**
   * After a HelloRetryRequest with this suite there is no early data (RFC 9001 §4.6.2), no session with another hash, and the
   * ticket has grown older (RFC 9846 §4.1.4).
   */
  retry(now: Micros, suite: CipherSuite, extensions: Map<number, Uint8Array>): void {
    this.#settleEarlyData(false);
    extensions.delete(ExtensionType.EARLY_DATA);
    extensions.delete(ExtensionType.PRE_SHARED_KEY);
    if (this.offer?.keys.hash !== suiteHash(suite)) this.offer = undefined;
    if (this.offer !== undefined) extensions.set(ExtensionType.PRE_SHARED_KEY, this.offer.extension(now));
  }

  /** Whether the session is resumed; what a ServerHello must say then (RFC 9846 §4.2.11). */
  onServerHello(extensions: Extensions, suite: CipherSuite): void {
    const selected = extensions.get(ExtensionType.PRE_SHARED_KEY);
    if (selected === undefined) {
      this.offer = undefined;
      this.#settleEarlyData(false);
      return;
    }
    const index = decodeCodePoint(selected, 'pre_shared_key');
    if (index !== 0) throw illegalParameter(`ServerHello: session ${index} was selected, of one that was offered`);
    if (this.offer?.keys.hash !== suiteHash(suite)) throw illegalParameter(`ServerHello: ${suite} with a session of another hash`);
    if (!extensions.has(ExtensionType.KEY_SHARE)) throw illegalParameter('ServerHello: a session is resumed without a key share');
  }

  /** Whether early data is taken. It was sent with the suite and the protocol of the session, so that those must be chosen again (RFC 9846 §4.2.10). */
  onEncryptedExtensions(extensions: Extensions, suite: CipherSuite, alpn: string): void {
    const data = extensions.get(ExtensionType.EARLY_DATA);
    if (data !== undefined) {
      checkEmptyEarlyData(data);
      if (this.offer === undefined) throw illegalParameter('EncryptedExtensions: early_data, but no session is resumed');
      const { session } = this.offer;
      if (suite !== session.suite)
        throw illegalParameter(`EncryptedExtensions: early_data with ${suite}, it was sent with ${session.suite}`);
      if (alpn !== session.alpn)
        throw illegalParameter(`EncryptedExtensions: early_data with '${alpn}', it was sent for '${session.alpn}'`);
    }
    this.#settleEarlyData(data !== undefined);
  }

  /**
   * The handshake is complete: from here on tickets may come.
   * @param keys            at the Main Secret
   * @param transcriptHash  up to our Finished
   */
  onComplete(now: Micros, keys: KeySchedule, transcriptHash: Uint8Array, alpn: string, parameters: Uint8Array): void {
    const resumed = this.offer?.session;
    this.#origin = {
      suite: keys.suite,
      secret: keys.derive('res master', transcriptHash),
      alpn,
      parameters,
      authenticatedAt: resumed?.authenticatedAt ?? now,
      verified: resumed?.verified ?? this.#settings.trust.verify !== false,
    };
  }

  /** RFC 9846 §4.6.1. @param body  of a NewSessionTicket, which is checked whether it is kept or not */
  onNewSessionTicket(now: Micros, body: Uint8Array): void {
    const { lifetime, ageAdd, nonce, ticket, maxEarlyData } = decodeNewSessionTicket(body, this.#transport);
    const { suite, secret, alpn, parameters, authenticatedAt, verified } = this.#origin!;
    const expiresAt = Math.min(now + lifetime * SECOND, authenticatedAt + LONGEST_LIFETIME);
    if (expiresAt <= now || this.#serverName.length > 255 || this.#sessions === MAX_SESSIONS) return;
    this.#sessions++;
    const data = encodeSession({
      serverName: this.#serverName,
      alpn,
      suite,
      context: sessionContext(this.#options),
      maxEarlyData,
      receivedAt: now,
      expiresAt,
      key: resumptionKey(this.#settings.provider, suite, secret, nonce),
      ticket,
      ageAdd,
      authenticatedAt,
      verified,
      parameters,
    });
    this.#emit({ type: 'session', data });
  }

  #settleEarlyData(accepted: boolean): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.earlyData = accepted ? 'accepted' : 'rejected';
    this.#emit({ type: 'early-data', accepted });
  }

  get #transport(): HandshakeTransport {
    return this.#options.transport ?? 'quic';
  }
}
