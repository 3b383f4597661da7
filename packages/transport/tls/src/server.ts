import { concat } from '@quiclab/bytes';
import { type CipherSuite, type KeyExchangeGroup, suiteHash } from '@quiclab/crypto';
import type { Micros } from '@quiclab/sansio';
import { Alert } from './alerts.ts';
import { groupCode, HandshakeType, suiteCode, TLS_12, TLS_13 } from './code-points.ts';
import { demandProtocols, type ServerConfig, type ServerSettings, serverSettings } from './config.ts';
import { illegalParameter } from './decoding.ts';
import { encodeCodePoint, encodeCodePoints, encodeProtocols, encodeServerKeyShare } from './extension-data.ts';
import { type Extensions, ExtensionType } from './extensions.ts';
import { KeySchedule } from './key-schedule.ts';
import { type Expectation, HandshakeMachine } from './machine.ts';
import type { HandshakeMessage } from './message-buffer.ts';
import { encodeCertificate } from './messages/certificate.ts';
import { encodeCertificateVerify, serverSignedContent } from './messages/certificate-verify.ts';
import { type ClientHello, decodeClientHello } from './messages/client-hello.ts';
import { encodeEncryptedExtensions } from './messages/encrypted-extensions.ts';
import { checkEndOfEarlyData } from './messages/end-of-early-data.ts';
import { decodeFinished, encodeFinished } from './messages/finished.ts';
import { encodeServerHello, HELLO_RETRY_RANDOM } from './messages/server-hello.ts';
import { checkSecondHello, type Negotiated, negotiate } from './negotiation.ts';
import { type HandshakeOptions, type RecordHandshakeFactory, TlsAlert } from './port.ts';
import { acceptsEarlyData, newTickets, type Resumption, resume } from './resumption.ts';
import { sessionContext } from './session-context.ts';
import { Transcript } from './transcript.ts';

/** Handshakes as a server. The private key is made into a signer here, once. */
export function serverHandshake(config: ServerConfig): RecordHandshakeFactory {
  const settings = serverSettings(config);
  const certificate = encodeCertificate(settings.certificates);
  return (options) => {
    if (options.side !== 'server') throw new Error('these are handshakes for servers');
    demandProtocols(options.alpn, options.transport);
    if (options.remember !== undefined && options.remember.length > MAX_REMEMBERED)
      throw new Error(`${options.remember.length} octets to remember in a ticket; at most ${MAX_REMEMBERED} are possible`);
    return new ServerHandshake(settings, certificate, options);
  };
}

/** A ticket should fit a ClientHello, and that a few packets. */
const MAX_REMEMBERED = 4_096;

/** RFC 9846 §A.2, as far as client certificates are not in use. There is no EndOfEarlyData in QUIC (RFC 9001 §8.3). */
const STATES = {
  start: { level: 'initial', types: [HandshakeType.CLIENT_HELLO] },
  retried: { level: 'initial', types: [HandshakeType.CLIENT_HELLO] },
  negotiated: { level: 'handshake', types: [] }, // the flight waits for our transport parameters, the client for the flight
  'wait-end-of-early-data': { level: 'early', types: [HandshakeType.END_OF_EARLY_DATA] }, // over TCP
  'wait-finished': { level: 'handshake', types: [HandshakeType.FINISHED] },
  connected: { level: 'application', types: [] }, // a KeyUpdate is an unexpected_message in QUIC (RFC 9001 §6)
  'connected-over-tcp': { level: 'application', types: [HandshakeType.KEY_UPDATE] },
} as const satisfies Readonly<Record<string, Expectation>>;

/** A ClientHello that was agreed to. */
interface Agreement {
  readonly terms: Negotiated;
  readonly clientRandom: Uint8Array;
  /** What the client calls one, to be echoed (RFC 9846 §4.1.3); empty in QUIC. */
  readonly sessionId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly sharedSecret: Uint8Array;
  readonly resumption: Resumption | undefined;
  readonly earlyData: 'none' | 'accepted' | 'rejected';
}

/** What the second half of the handshake needs of the first. */
interface Flight {
  readonly keys: KeySchedule;
  readonly clientSecret: Uint8Array;
  /** Of everything up to our Finished: application keys come from it, whatever follows. */
  readonly finishedHash: Uint8Array;
}

class ServerHandshake extends HandshakeMachine {
  readonly #settings: ServerSettings;
  readonly #certificate: Uint8Array;
  readonly #options: HandshakeOptions;
  readonly #transcript: Transcript;
  #state: keyof typeof STATES = 'start';
  #earlyDataOffered = false;
  #retry: { readonly hello: ClientHello; readonly group: KeyExchangeGroup } | undefined = undefined;
  #agreement: Agreement | undefined = undefined;
  #flight: Flight | undefined = undefined;

  constructor(settings: ServerSettings, certificate: Uint8Array, options: HandshakeOptions) {
    super();
    this.#settings = settings;
    this.#certificate = certificate;
    this.#options = options;
    this.#transcript = new Transcript(settings.provider);
  }

  protected override expecting(): Expectation {
    return STATES[this.#state];
  }

  protected override handle(now: Micros, message: HandshakeMessage): void {
    if (message.type === HandshakeType.CLIENT_HELLO) this.#onClientHello(now, message);
    else if (message.type === HandshakeType.END_OF_EARLY_DATA) this.#onEndOfEarlyData(message);
    else this.#onFinished(now, message);
  }

  protected override advance(): void {
    if (this.#state === 'negotiated' && (this.#overTcp || this.localParameters !== undefined)) this.#sendFlight(this.#agreement!);
  }

  get #overTcp(): boolean {
    return this.#options.transport === 'tcp';
  }

  #onClientHello(now: Micros, message: HandshakeMessage): void {
    const hello = decodeClientHello(message.body);
    const terms = negotiate(hello, this.#settings, this.#options.alpn, this.#options.transport);
    if (this.#retry !== undefined) checkSecondHello(this.#retry.hello, hello, this.#retry.group);
    if (hello.extensions.has(ExtensionType.EARLY_DATA)) this.#onEarlyDataOffer(terms);
    if (terms.keyShare === undefined) this.#askAgain(message, hello, terms);
    else this.#agree(now, message, hello, terms, terms.keyShare);
  }

  #onEarlyDataOffer(terms: Negotiated): void {
    this.#earlyDataOffered = true;
    if (this.#overTcp) this.emit({ type: 'early', alpn: terms.alpn, octets: this.#settings.maxEarlyData });
  }

  /** RFC 9846 §4.1.4. A second time does not happen: the second ClientHello was found to have the share. */
  #askAgain(message: HandshakeMessage, hello: ClientHello, terms: Negotiated): void {
    this.#transcript.add(message.octets);
    this.#transcript.replaceByHash(suiteHash(terms.suite));
    const request = serverHello(HELLO_RETRY_RANDOM, terms.suite, hello.legacySessionId, encodeCodePoint(groupCode(terms.group)));
    this.#transcript.add(request);
    this.emit({ type: 'send', level: 'initial', data: request });
    this.#emitChangeCipherSpec(hello.legacySessionId);
    if (this.#earlyDataOffered && this.#overTcp) this.emit({ type: 'early-data', accepted: false });
    this.#retry = { hello, group: terms.group };
    this.#state = 'retried';
  }

  #agree(now: Micros, message: HandshakeMessage, hello: ClientHello, terms: Negotiated, keyShare: Uint8Array): void {
    const share = this.#settings.provider.keyExchange(terms.group, this.#options.random.fork(`tls/server/key-share/${terms.group}`));
    let sharedSecret: Uint8Array;
    try {
      sharedSecret = share.agree(keyShare);
    } catch {
      throw illegalParameter(`the client's key share is no valid ${terms.group} value`);
    }
    const resumption = resume(now, message.octets, this.#transcript, terms, this.#settings, sessionContext(this.#options));
    this.#transcript.add(message.octets);
    const earlyData = this.#judgeEarlyData(now, resumption, terms);
    const { random: clientRandom, legacySessionId: sessionId } = hello;
    this.#agreement = { terms, clientRandom, sessionId, publicKey: share.publicKey, sharedSecret, resumption, earlyData };
    if (!this.#overTcp) this.emit({ type: 'peer-parameters', data: terms.peerParameters });
    else if (earlyData !== 'none' && this.#retry === undefined) this.emit({ type: 'early-data', accepted: earlyData === 'accepted' });
    if (earlyData === 'accepted') this.#readEarlyData(resumption!.keys, hello.random);
    this.#state = 'negotiated';
  }

  #judgeEarlyData(now: Micros, resumption: Resumption | undefined, terms: Negotiated): 'none' | 'accepted' | 'rejected' {
    if (!this.#earlyDataOffered) return 'none';
    // RFC 9001 §4.6.2: never after a HelloRetryRequest
    if (resumption === undefined || this.#retry !== undefined) return 'rejected';
    return acceptsEarlyData(now, resumption, terms, this.#settings, this.#options) ? 'accepted' : 'rejected';
  }

  #readEarlyData(keys: KeySchedule, clientRandom: Uint8Array): void {
    const secret = keys.derive('c e traffic', this.#transcript.hash(keys.hash));
    this.emitSecret('early', 'read', keys, secret, 'CLIENT_EARLY_TRAFFIC_SECRET', clientRandom);
  }

  /** In answer to a client in compatibility mode, which may be over TCP only: after the first of our messages (RFC 9846 §E.4). */
  #emitChangeCipherSpec(sessionId: Uint8Array): void {
    if (sessionId.length > 0) this.emit({ type: 'change-cipher-spec' });
  }

  /** ServerHello to Finished (RFC 9846 §2), in one go. */
  #sendFlight(agreement: Agreement): void {
    const { terms, clientRandom, sessionId, sharedSecret, resumption } = agreement;
    const transcript = this.#transcript;
    const random = new Uint8Array(32);
    this.#options.random.fork('tls/server/random').fill(random);
    const share = encodeServerKeyShare({ group: groupCode(terms.group), keyExchange: agreement.publicKey });
    const hello = serverHello(random, terms.suite, sessionId, share, resumption?.index);
    transcript.add(hello);
    this.emit({ type: 'send', level: 'initial', data: hello });
    if (this.#retry === undefined) this.#emitChangeCipherSpec(sessionId);

    const keys = resumption?.keys ?? new KeySchedule(this.#settings.provider, terms.suite);
    keys.enterHandshake(sharedSecret);
    const helloHash = transcript.hash(keys.hash);
    const clientSecret = keys.derive('c hs traffic', helloHash);
    const serverSecret = keys.derive('s hs traffic', helloHash);
    const earlyDataFirst = this.#overTcp && agreement.earlyData === 'accepted'; // over TCP everything comes in order: EndOfEarlyData, then the next keys
    if (!earlyDataFirst) this.#readHandshake(keys, clientSecret, clientRandom);
    this.emitSecret('handshake', 'write', keys, serverSecret, 'SERVER_HANDSHAKE_TRAFFIC_SECRET', clientRandom);

    const extensions = encodeEncryptedExtensions(this.#encryptedExtensions(agreement));
    transcript.add(extensions);
    // RFC 9846 §4.1.1: a session, or a certificate, but not both
    const proof = resumption === undefined ? this.#proveIdentity(terms.signatureScheme, keys) : new Uint8Array(0);
    const finished = encodeFinished(keys.verifyData(serverSecret, transcript.hash(keys.hash)));
    transcript.add(finished);
    this.emit({ type: 'send', level: 'handshake', data: concat(extensions, proof, finished) });

    keys.enterMain();
    const finishedHash = transcript.hash(keys.hash);
    const applicationSecret = keys.derive('s ap traffic', finishedHash);
    this.emitSecret('application', 'write', keys, applicationSecret, 'SERVER_TRAFFIC_SECRET_0', clientRandom);
    this.#flight = { keys, clientSecret, finishedHash };
    this.#state = earlyDataFirst ? 'wait-end-of-early-data' : 'wait-finished';
  }

  #readHandshake(keys: KeySchedule, clientSecret: Uint8Array, clientRandom: Uint8Array): void {
    this.emitSecret('handshake', 'read', keys, clientSecret, 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', clientRandom);
  }

  #onEndOfEarlyData(message: HandshakeMessage): void {
    checkEndOfEarlyData(message.body);
    this.#transcript.add(message.octets);
    const { keys, clientSecret } = this.#flight!;
    this.#readHandshake(keys, clientSecret, this.#agreement!.clientRandom);
    this.#state = 'wait-finished';
  }

  /** Certificate and CertificateVerify (RFC 9846 §4.4.2, §4.4.3). */
  #proveIdentity(scheme: number, keys: KeySchedule): Uint8Array {
    this.#transcript.add(this.#certificate);
    const signature = this.#settings.signer.sign(scheme, serverSignedContent(this.#transcript.hash(keys.hash)));
    const verify = encodeCertificateVerify({ scheme, signature });
    this.#transcript.add(verify);
    return concat(this.#certificate, verify);
  }

  #encryptedExtensions({ terms, earlyData }: Agreement): Extensions {
    const { groups, serverNames } = this.#settings;
    const extensions = new Map<number, Uint8Array>();
    // RFC 6066 §3: an empty answer says that the name was made use of
    if (serverNames !== undefined && terms.serverName !== '') extensions.set(ExtensionType.SERVER_NAME, new Uint8Array(0));
    // RFC 9846 §4.2.7: so that the client's next first guess is a better one
    if (terms.group !== groups[0]) extensions.set(ExtensionType.SUPPORTED_GROUPS, encodeCodePoints(groups.map(groupCode)));
    if (terms.alpn !== '') extensions.set(ExtensionType.ALPN, encodeProtocols([terms.alpn]));
    if (!this.#overTcp) extensions.set(ExtensionType.QUIC_TRANSPORT_PARAMETERS, this.localParameters!);
    if (earlyData === 'accepted') extensions.set(ExtensionType.EARLY_DATA, new Uint8Array(0));
    return extensions;
  }

  #onFinished(now: Micros, message: HandshakeMessage): void {
    const { terms, clientRandom, earlyData, resumption } = this.#agreement!;
    const { keys, clientSecret, finishedHash } = this.#flight!;
    // no client certificate was asked for: nothing came after our Finished, unless EndOfEarlyData did
    const expected = keys.verifyData(clientSecret, this.#transcript.hash(keys.hash));
    const verifyData = decodeFinished(message.body, expected.length);
    if (!this.#settings.provider.equal(verifyData, expected))
      throw new TlsAlert(Alert.DECRYPT_ERROR, "the client's Finished does not match the handshake");
    this.emitSecret('application', 'read', keys, keys.derive('c ap traffic', finishedHash), 'CLIENT_TRAFFIC_SECRET_0', clientRandom);
    this.emit({ type: 'complete', alpn: terms.alpn, earlyData, resumed: resumption !== undefined });
    this.#state = this.#overTcp ? 'connected-over-tcp' : 'connected';
    if (!terms.resumes || this.#settings.tickets === undefined) return;
    this.#transcript.add(message.octets);
    this.#issueTickets(now, keys, terms, resumption?.state.authenticatedAt ?? now);
  }

  #issueTickets(now: Micros, keys: KeySchedule, terms: Negotiated, authenticatedAt: Micros): void {
    const secret = keys.derive('res master', this.#transcript.hash(keys.hash));
    const origin = {
      suite: terms.suite,
      secret,
      alpn: terms.alpn,
      serverName: terms.serverName,
      context: sessionContext(this.#options),
      authenticatedAt,
    };
    for (const data of newTickets(now, origin, this.#settings, this.#options)) this.emit({ type: 'send', level: 'application', data });
  }
}

function serverHello(
  random: Uint8Array,
  suite: CipherSuite,
  sessionId: Uint8Array,
  keyShare: Uint8Array,
  selectedIdentity?: number,
): Uint8Array {
  const extensions = new Map<number, Uint8Array>([
    [ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(TLS_13)],
    [ExtensionType.KEY_SHARE, keyShare],
  ]);
  if (selectedIdentity !== undefined) extensions.set(ExtensionType.PRE_SHARED_KEY, encodeCodePoint(selectedIdentity));
  return encodeServerHello({
    legacyVersion: TLS_12,
    random,
    legacySessionIdEcho: sessionId,
    cipherSuite: suiteCode(suite),
    legacyCompressionMethod: 0,
    extensions,
  });
}
