import { sameBytes } from '@quiclab/bytes';
import { CertificateError, type CipherSuite, type KeyExchangeGroup, type KeyShare, suiteHash, type Verifier } from '@quiclab/crypto';
import type { Micros, Random } from '@quiclab/sansio';
import { Alert } from './alerts.ts';
import { ClientResumption } from './client-resumption.ts';
import {
  CERTIFICATE_ONLY_SCHEMES,
  groupCode,
  HANDSHAKE_SCHEMES,
  HandshakeType,
  keyShareLength,
  suiteCode,
  TLS_12,
  TLS_13,
} from './code-points.ts';
import { type ClientConfig, type ClientSettings, clientSettings, demandProtocols } from './config.ts';
import { decodeError, illegalParameter } from './decoding.ts';
import {
  decodeCodePoint,
  decodeCodePoints,
  decodeCookie,
  decodeProtocols,
  decodeServerKeyShare,
  encodeClientKeyShares,
  encodeCodePoints,
  encodeCookie,
  encodeProtocols,
  encodeServerName,
  encodeSupportedVersions,
} from './extension-data.ts';
import { checkHomes, checkSolicited, type Extensions, ExtensionType, requireExtension } from './extensions.ts';
import { KeySchedule } from './key-schedule.ts';
import { type Expectation, HandshakeMachine } from './machine.ts';
import type { HandshakeMessage } from './message-buffer.ts';
import { decodeCertificate, encodeCertificate } from './messages/certificate.ts';
import { decodeCertificateRequest } from './messages/certificate-request.ts';
import { decodeCertificateVerify, serverSignedContent } from './messages/certificate-verify.ts';
import { type ClientHello, encodeClientHello } from './messages/client-hello.ts';
import { decodeEncryptedExtensions } from './messages/encrypted-extensions.ts';
import { encodeEndOfEarlyData } from './messages/end-of-early-data.ts';
import { decodeFinished, encodeFinished } from './messages/finished.ts';
import { decodeServerHello, isHelloRetryRequest, type ServerHello } from './messages/server-hello.ts';
import { type HandshakeOptions, type HandshakeTransport, type RecordHandshakeFactory, TlsAlert } from './port.ts';
import { checkServerExtensions, checkServerVersion } from './server-hello-checks.ts';
import { isIpLiteral } from './server-name.ts';
import { Transcript } from './transcript.ts';

/** Handshakes as a client. */
export function clientHandshake(config: ClientConfig): RecordHandshakeFactory {
  const settings = clientSettings(config);
  return (options) => {
    if (options.side !== 'client') throw new Error('these are handshakes for clients');
    demandProtocols(options.alpn, options.transport);
    return new ClientHandshake(settings, options);
  };
}

/** RFC 9846 §A.1. Where a session is resumed, EncryptedExtensions are followed by Finished. */
const STATES = {
  start: { level: 'initial', types: [] },
  'wait-server-hello': { level: 'initial', types: [HandshakeType.SERVER_HELLO] },
  'wait-encrypted-extensions': { level: 'handshake', types: [HandshakeType.ENCRYPTED_EXTENSIONS] },
  'wait-certificate-or-request': { level: 'handshake', types: [HandshakeType.CERTIFICATE, HandshakeType.CERTIFICATE_REQUEST] },
  'wait-certificate': { level: 'handshake', types: [HandshakeType.CERTIFICATE] },
  'wait-certificate-verify': { level: 'handshake', types: [HandshakeType.CERTIFICATE_VERIFY] },
  'wait-finished': { level: 'handshake', types: [HandshakeType.FINISHED] },
  // not KeyUpdate (RFC 9001 §6), and a CertificateRequest is a PROTOCOL_VIOLATION (RFC 9001 §4.4)
  connected: { level: 'application', types: [HandshakeType.NEW_SESSION_TICKET], forbidden: [HandshakeType.CERTIFICATE_REQUEST] },
  'connected-over-tcp': { level: 'application', types: [HandshakeType.NEW_SESSION_TICKET, HandshakeType.KEY_UPDATE] },
} as const satisfies Readonly<Record<string, Expectation>>;

/** More certificates than this are no chain. */
export const MAX_CHAIN = 32;

/** What the handshake keys are made from and for. */
interface Keys {
  readonly schedule: KeySchedule;
  readonly clientSecret: Uint8Array;
  readonly serverSecret: Uint8Array;
}

class ClientHandshake extends HandshakeMachine {
  readonly #settings: ClientSettings;
  readonly #transport: HandshakeTransport;
  readonly #serverName: string;
  readonly #alpn: readonly string[];
  readonly #random: Random;
  /** Not empty: in compatibility mode, which is TCP's (RFC 9846 §E.4, RFC 9001 §8.4). */
  readonly #sessionId: Uint8Array;
  /** In that mode: the change_cipher_spec is still to come. */
  #changeCipherSpec: boolean;
  readonly #resumption: ClientResumption;
  readonly #clientRandom = new Uint8Array(32);
  readonly #transcript: Transcript;
  #state: keyof typeof STATES = 'start';
  #hello: ClientHello | undefined = undefined;
  #shares: ReadonlyMap<KeyExchangeGroup, KeyShare> = new Map();
  #retrySuite: CipherSuite | undefined = undefined;
  #keys: Keys | undefined = undefined;
  #chosenAlpn = '';
  #peerParameters: Uint8Array = new Uint8Array(0);
  #certificateRequested = false;
  #verifier: Verifier | undefined = undefined;

  constructor(settings: ClientSettings, options: HandshakeOptions) {
    super();
    const { transport = 'quic', serverName, alpn, random } = options;
    const compatible = transport === 'tcp' && options.compatibility !== false;
    this.#settings = settings;
    this.#transport = transport;
    this.#sessionId = new Uint8Array(compatible ? 32 : 0);
    this.#changeCipherSpec = compatible;
    this.#serverName = serverName.endsWith('.') ? serverName.slice(0, -1) : serverName;
    this.#alpn = alpn;
    this.#random = random;
    this.#resumption = new ClientResumption(settings, options, this.#serverName, (step) => this.emit(step));
    this.#transcript = new Transcript(settings.provider);
  }

  protected override expecting(): Expectation {
    return STATES[this.#state];
  }

  protected override advance(now: Micros): void {
    if (this.#state !== 'start') return;
    if (this.#transport === 'quic' && this.localParameters === undefined)
      throw new Error('a client needs its transport parameters before the first poll');
    this.#resumption.choose(now);
    this.#random.fork('tls/client/random').fill(this.#clientRandom);
    if (this.#sessionId.length > 0) this.#random.fork('tls/client/session-id').fill(this.#sessionId);
    this.#shares = new Map(this.#settings.keyShares.map((group) => [group, this.#newShare(group)]));
    this.#sendHello({
      legacyVersion: TLS_12,
      random: this.#clientRandom,
      legacySessionId: this.#sessionId,
      cipherSuites: this.#settings.suites.map(suiteCode),
      legacyCompressionMethods: new Uint8Array(1),
      extensions: this.#offer(now),
    });
    if (this.#resumption.undecided) this.#emitChangeCipherSpec();
    this.#resumption.startEarlyData(this.#transcript, this.#clientRandom);
  }

  protected override handle(now: Micros, message: HandshakeMessage): void {
    switch (message.type) {
      case HandshakeType.SERVER_HELLO:
        this.#onServerHello(now, message);
        break;
      case HandshakeType.ENCRYPTED_EXTENSIONS:
        this.#onEncryptedExtensions(message);
        break;
      case HandshakeType.CERTIFICATE_REQUEST:
        this.#onCertificateRequest(message);
        break;
      case HandshakeType.CERTIFICATE:
        this.#onCertificate(now, message);
        break;
      case HandshakeType.CERTIFICATE_VERIFY:
        this.#onCertificateVerify(message);
        break;
      case HandshakeType.FINISHED:
        this.#onFinished(now, message);
        break;
      default:
        this.#resumption.onNewSessionTicket(now, message.body);
    }
  }

  #newShare(group: KeyExchangeGroup): KeyShare {
    return this.#settings.provider.keyExchange(group, this.#random.fork(`tls/client/key-share/${group}`));
  }

  #offer(now: Micros): Extensions {
    const { groups, padding } = this.#settings;
    const offer = new Map<number, Uint8Array>();
    // RFC 6066 §3: literal addresses are no host names
    if (this.#serverName !== '' && !isIpLiteral(this.#serverName)) offer.set(ExtensionType.SERVER_NAME, encodeServerName(this.#serverName));
    offer.set(ExtensionType.SUPPORTED_GROUPS, encodeCodePoints(groups.map(groupCode)));
    offer.set(ExtensionType.SIGNATURE_ALGORITHMS, encodeCodePoints([...HANDSHAKE_SCHEMES, ...CERTIFICATE_ONLY_SCHEMES]));
    if (this.#alpn.length > 0) offer.set(ExtensionType.ALPN, encodeProtocols(this.#alpn));
    offer.set(ExtensionType.SUPPORTED_VERSIONS, encodeSupportedVersions([TLS_13]));
    offer.set(ExtensionType.KEY_SHARE, this.#encodedShares());
    if (this.#transport === 'quic') offer.set(ExtensionType.QUIC_TRANSPORT_PARAMETERS, this.localParameters!);
    if (padding > 0) offer.set(ExtensionType.PADDING, new Uint8Array(padding));
    this.#resumption.extend(now, offer);
    return offer;
  }

  #encodedShares(): Uint8Array {
    return encodeClientKeyShares([...this.#shares].map(([group, share]) => ({ group: groupCode(group), keyExchange: share.publicKey })));
  }

  #sendHello(hello: ClientHello): void {
    const data = encodeClientHello(hello);
    this.#resumption.offer?.bind(data, this.#transcript);
    this.#hello = hello;
    this.#transcript.add(data);
    this.emit({ type: 'send', level: 'initial', data });
    this.#state = 'wait-server-hello';
  }

  #onServerHello(now: Micros, message: HandshakeMessage): void {
    const hello = decodeServerHello(message.body);
    checkServerVersion(hello);
    const retry = isHelloRetryRequest(hello);
    checkServerExtensions(hello, retry, this.#hello!.extensions);
    if (!sameBytes(hello.legacySessionIdEcho, this.#sessionId))
      throw illegalParameter('ServerHello: legacy_session_id_echo is not what was sent');
    if (hello.legacyCompressionMethod !== 0) throw illegalParameter('ServerHello: legacy_compression_method is not 0');
    const suite = this.#settings.suites.find((candidate) => suiteCode(candidate) === hello.cipherSuite);
    if (suite === undefined) throw illegalParameter(`ServerHello: suite 0x${hello.cipherSuite.toString(16)} was not offered`);
    if (retry) this.#onRetry(now, message, hello, suite);
    else this.#agree(message, hello, suite);
  }

  /** RFC 9846 §4.1.4. */
  #onRetry(now: Micros, message: HandshakeMessage, hello: ServerHello, suite: CipherSuite): void {
    if (this.#retrySuite !== undefined) throw new TlsAlert(Alert.UNEXPECTED_MESSAGE, 'a second HelloRetryRequest');
    this.#retrySuite = suite;
    const asked = hello.extensions.get(ExtensionType.KEY_SHARE);
    const cookie = hello.extensions.get(ExtensionType.COOKIE);
    if (asked === undefined && cookie === undefined) throw illegalParameter('a HelloRetryRequest that asks for nothing');
    const extensions = new Map(this.#hello!.extensions);
    if (asked !== undefined) {
      const group = this.#retryGroup(decodeCodePoint(asked, 'key_share'));
      this.#shares = new Map([[group, this.#newShare(group)]]);
      extensions.set(ExtensionType.KEY_SHARE, this.#encodedShares());
    }
    if (cookie !== undefined) extensions.set(ExtensionType.COOKIE, encodeCookie(decodeCookie(cookie)));
    this.#resumption.retry(now, suite, extensions);
    this.#transcript.replaceByHash(suiteHash(suite));
    this.#transcript.add(message.octets);
    this.#emitChangeCipherSpec();
    this.#sendHello({ ...this.#hello!, extensions });
  }

  #retryGroup(code: number): KeyExchangeGroup {
    const group = this.#settings.groups.find((candidate) => groupCode(candidate) === code);
    if (group === undefined) throw illegalParameter(`HelloRetryRequest for group ${code}, which was not offered`);
    if (this.#shares.has(group)) throw illegalParameter(`HelloRetryRequest for ${group}, whose share was there already`);
    return group;
  }

  #agree(message: HandshakeMessage, hello: ServerHello, suite: CipherSuite): void {
    if (this.#retrySuite !== undefined && this.#retrySuite !== suite)
      throw illegalParameter(`ServerHello: suite ${suite} after a HelloRetryRequest with ${this.#retrySuite}`);
    this.#resumption.onServerHello(hello.extensions, suite);
    const sharedSecret = this.#sharedSecret(requireExtension(hello.extensions, ExtensionType.KEY_SHARE, 'ServerHello'));
    this.#transcript.add(message.octets);
    const schedule = new KeySchedule(this.#settings.provider, suite, this.#resumption.offer?.session.key);
    schedule.enterHandshake(sharedSecret);
    const transcriptHash = this.#transcript.hash(schedule.hash);
    const clientSecret = schedule.derive('c hs traffic', transcriptHash);
    const serverSecret = schedule.derive('s hs traffic', transcriptHash);
    this.#keys = { schedule, clientSecret, serverSecret };
    if (!this.#awaitsEndOfEarlyData) this.#writeHandshake();
    this.emitSecret('handshake', 'read', schedule, serverSecret, 'SERVER_HANDSHAKE_TRAFFIC_SECRET', this.#clientRandom);
    this.#state = 'wait-encrypted-extensions';
  }

  /** Over TCP, records go on in early data's keys until EndOfEarlyData, if it is taken; QUIC has both in packets of their own. */
  get #awaitsEndOfEarlyData(): boolean {
    return this.#transport === 'tcp' && this.#resumption.undecided && this.#resumption.offer !== undefined;
  }

  #writeHandshake(): void {
    const { schedule, clientSecret } = this.#keys!;
    this.emitSecret('handshake', 'write', schedule, clientSecret, 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', this.#clientRandom);
  }

  #emitChangeCipherSpec(): void {
    if (this.#changeCipherSpec) this.emit({ type: 'change-cipher-spec' });
    this.#changeCipherSpec = false;
  }

  #sharedSecret(data: Uint8Array): Uint8Array {
    const { group: code, keyExchange } = decodeServerKeyShare(data);
    const group = [...this.#shares.keys()].find((candidate) => groupCode(candidate) === code);
    if (group === undefined) throw illegalParameter(`ServerHello: a share in group ${code}, where we sent none`);
    if (keyExchange.length !== keyShareLength(group)) throw illegalParameter(`ServerHello: ${keyExchange.length} octets for ${group}`);
    try {
      return this.#shares.get(group)!.agree(keyExchange);
    } catch {
      throw illegalParameter(`the server's key share is no valid ${group} value`);
    }
  }

  #onEncryptedExtensions(message: HandshakeMessage): void {
    const extensions = decodeEncryptedExtensions(message.body);
    checkHomes(extensions, 'EE', 'EncryptedExtensions');
    checkSolicited(extensions, this.#hello!.extensions, 'EncryptedExtensions');
    const name = extensions.get(ExtensionType.SERVER_NAME);
    if (name !== undefined && name.length !== 0) throw decodeError('EncryptedExtensions: server_name is not empty'); // RFC 6066 §3
    const groups = extensions.get(ExtensionType.SUPPORTED_GROUPS);
    if (groups !== undefined) decodeCodePoints(groups, 'supported_groups'); // a hint for later, if well formed
    this.#chosenAlpn = this.#selectedProtocol(extensions.get(ExtensionType.ALPN));
    const overQuic = this.#transport === 'quic';
    if (overQuic) this.#peerParameters = requireExtension(extensions, ExtensionType.QUIC_TRANSPORT_PARAMETERS, 'EncryptedExtensions');
    const waited = this.#awaitsEndOfEarlyData;
    this.#resumption.onEncryptedExtensions(extensions, this.#keys!.schedule.suite, this.#chosenAlpn);
    if (waited && this.#resumption.earlyData === 'rejected') this.#writeHandshake();
    this.#transcript.add(message.octets);
    if (overQuic) this.emit({ type: 'peer-parameters', data: this.#peerParameters });
    // RFC 9846 §4.1.1: a session, or a certificate, but not both
    this.#state = this.#resumption.offer === undefined ? 'wait-certificate-or-request' : 'wait-finished';
  }

  /** RFC 7301 §3.1; RFC 9001 §8.1. Over TCP a server may make nothing of the offer. */
  #selectedProtocol(data: Uint8Array | undefined): string {
    if (data === undefined && this.#transport === 'tcp') return '';
    if (data === undefined) throw new TlsAlert(Alert.NO_APPLICATION_PROTOCOL, 'the server selected no application protocol');
    const [protocol, ...more] = decodeProtocols(data);
    if (more.length > 0) throw decodeError(`the server selected ${1 + more.length} application protocols`);
    if (!this.#alpn.includes(protocol!))
      throw new TlsAlert(Alert.NO_APPLICATION_PROTOCOL, 'the server selected an application protocol that was not offered');
    return protocol!;
  }

  #onCertificateRequest(message: HandshakeMessage): void {
    const { context, extensions } = decodeCertificateRequest(message.body);
    if (context.length !== 0) throw illegalParameter('CertificateRequest: a context during the handshake');
    checkHomes(extensions, 'CR', 'CertificateRequest');
    decodeCodePoints(requireExtension(extensions, ExtensionType.SIGNATURE_ALGORITHMS, 'CertificateRequest'), 'signature_algorithms');
    this.#transcript.add(message.octets);
    this.#certificateRequested = true;
    this.#state = 'wait-certificate';
  }

  #onCertificate(now: Micros, message: HandshakeMessage): void {
    const { context, entries } = decodeCertificate(message.body);
    if (context.length !== 0) throw illegalParameter('Certificate: a context from a server');
    if (entries.length === 0) throw decodeError('the server sent no certificate');
    if (entries.length > MAX_CHAIN) throw new TlsAlert(Alert.BAD_CERTIFICATE, `a chain of ${entries.length} certificates`);
    for (const { extensions } of entries) {
      checkHomes(extensions, 'CT', 'Certificate');
      checkSolicited(extensions, this.#hello!.extensions, 'Certificate');
    }
    try {
      const chain = entries.map((entry) => entry.data);
      this.#verifier = this.#settings.provider.checkChain(chain, this.#serverName, now, this.#settings.trust);
    } catch (error) {
      throw error instanceof CertificateError ? new TlsAlert(error.alert, error.message) : error;
    }
    this.#transcript.add(message.octets);
    this.#state = 'wait-certificate-verify';
  }

  #onCertificateVerify(message: HandshakeMessage): void {
    const { scheme, signature } = decodeCertificateVerify(message.body);
    if (!HANDSHAKE_SCHEMES.includes(scheme)) throw illegalParameter(`CertificateVerify: scheme 0x${scheme.toString(16)} was not offered`);
    const content = serverSignedContent(this.#transcript.hash(this.#keys!.schedule.hash));
    if (!this.#verifier!.verify(scheme, content, signature))
      throw new TlsAlert(Alert.DECRYPT_ERROR, "the server's signature does not match its certificate and the handshake");
    this.#transcript.add(message.octets);
    this.#state = 'wait-finished';
  }

  #onFinished(now: Micros, message: HandshakeMessage): void {
    const { schedule, clientSecret, serverSecret } = this.#keys!;
    const transcript = this.#transcript;
    const expected = schedule.verifyData(serverSecret, transcript.hash(schedule.hash));
    const verifyData = decodeFinished(message.body, expected.length);
    if (!this.#settings.provider.equal(verifyData, expected))
      throw new TlsAlert(Alert.DECRYPT_ERROR, "the server's Finished does not match the handshake");
    transcript.add(message.octets);

    schedule.enterMain();
    const transcriptHash = transcript.hash(schedule.hash);
    const random = this.#clientRandom;
    const { earlyData, offer } = this.#resumption;
    this.#emitChangeCipherSpec();
    if (this.#transport === 'tcp' && earlyData === 'accepted') this.#endEarlyData();
    this.emitSecret('application', 'write', schedule, schedule.derive('c ap traffic', transcriptHash), 'CLIENT_TRAFFIC_SECRET_0', random);
    this.emitSecret('application', 'read', schedule, schedule.derive('s ap traffic', transcriptHash), 'SERVER_TRAFFIC_SECRET_0', random);
    if (this.#certificateRequested) {
      const none = encodeCertificate([]); // RFC 9846 §4.4.2: we have none, and have to say so
      transcript.add(none);
      this.emit({ type: 'send', level: 'handshake', data: none });
    }
    const finished = encodeFinished(schedule.verifyData(clientSecret, transcript.hash(schedule.hash)));
    transcript.add(finished);
    this.emit({ type: 'send', level: 'handshake', data: finished });
    this.emit({ type: 'complete', alpn: this.#chosenAlpn, earlyData, resumed: offer !== undefined });
    this.#resumption.onComplete(now, schedule, transcript.hash(schedule.hash), this.#chosenAlpn, this.#peerParameters);
    this.#state = this.#transport === 'tcp' ? 'connected-over-tcp' : 'connected';
  }

  /** RFC 9846 §4.5: under the keys that it ends. */
  #endEarlyData(): void {
    const end = encodeEndOfEarlyData();
    this.#transcript.add(end);
    this.emit({ type: 'send', level: 'early', data: end });
    this.#writeHandshake();
  }
}
