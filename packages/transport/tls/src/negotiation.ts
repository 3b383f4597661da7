import { sameBytes } from '@quiclab/bytes';
import type { CipherSuite, KeyExchangeGroup } from '@quiclab/crypto';
import { Alert } from './alerts.ts';
import { groupCode, keyShareLength, suiteCode, TLS_12, TLS_13 } from './code-points.ts';
import type { ServerSettings } from './config.ts';
import { illegalParameter, quicViolation } from './decoding.ts';
import { decodeClientKeyShares, decodeCodePoints, decodeProtocols, decodeServerName, decodeSupportedVersions } from './extension-data.ts';
import { checkHomes, type Extensions, ExtensionType, requireExtension } from './extensions.ts';
import type { ClientHello } from './messages/client-hello.ts';
import { type HandshakeTransport, TlsAlert } from './port.ts';
import { checkEmptyEarlyData, decodeOfferedPsks, type OfferedPsks, offersDheMode } from './pre-shared-key.ts';

/** What a server makes of a ClientHello. */
export interface Negotiated {
  readonly suite: CipherSuite;
  readonly group: KeyExchangeGroup;
  /** The client's share in this group; undefined where it must be asked for with a HelloRetryRequest. */
  readonly keyShare: Uint8Array | undefined;
  readonly signatureScheme: number;
  /** '' over TCP, where none is spoken of. */
  readonly alpn: string;
  /** The host that the client named, in lower case, or ''. */
  readonly serverName: string;
  /** Empty over TCP. */
  readonly peerParameters: Uint8Array;
  /** Whether tickets are of use to the client: it resumes as we do, with (EC)DHE. */
  readonly resumes: boolean;
  /** The sessions that it offers; undefined where none can be taken. */
  readonly offeredPsks: OfferedPsks | undefined;
}

/**
 * Chooses everything that a ServerHello and what follows will say (RFC 9846 §4.1.1), or throws the alert that says why
 * there is nothing to choose.
 */
export function negotiate(
  hello: ClientHello,
  settings: ServerSettings,
  alpn: readonly string[],
  transport: HandshakeTransport = 'quic',
): Negotiated {
  checkVersion(hello);
  checkLegacyFields(hello, transport);
  checkHomes(hello.extensions, 'CH', 'ClientHello');
  const earlyData = hello.extensions.get(ExtensionType.EARLY_DATA);
  if (earlyData !== undefined) checkEmptyEarlyData(earlyData);
  checkPreSharedKey(hello.extensions);
  const modes = hello.extensions.get(ExtensionType.PSK_KEY_EXCHANGE_MODES);
  const resumes = modes !== undefined && offersDheMode(modes);
  const scheme = chooseScheme(hello.extensions, settings);
  const suite = settings.suites.find((candidate) => hello.cipherSuites.includes(suiteCode(candidate)));
  if (suite === undefined) throw new TlsAlert(Alert.HANDSHAKE_FAILURE, 'no cipher suite in common');
  const { group, keyShare } = chooseGroup(hello.extensions, settings.groups);
  const serverName = chooseName(hello.extensions, settings.serverNames);
  const protocol = chooseProtocol(hello.extensions, alpn, transport);
  const peerParameters = parametersOf(hello.extensions, transport);
  const offeredPsks = resumes && settings.tickets !== undefined ? readOffer(hello.extensions) : undefined;
  return { suite, group, keyShare, signatureScheme: scheme, alpn: protocol, serverName, peerParameters, resumes, offeredPsks };
}

function checkVersion(hello: ClientHello): void {
  const versions = hello.extensions.get(ExtensionType.SUPPORTED_VERSIONS);
  if (versions === undefined) throw new TlsAlert(Alert.PROTOCOL_VERSION, 'the client knows no TLS 1.3: no supported_versions');
  if (!decodeSupportedVersions(versions).includes(TLS_13)) throw new TlsAlert(Alert.PROTOCOL_VERSION, 'the client does not offer TLS 1.3');
  if (hello.legacyVersion !== TLS_12)
    throw new TlsAlert(Alert.PROTOCOL_VERSION, `ClientHello: legacy_version 0x${hello.legacyVersion.toString(16)}`);
}

function checkLegacyFields(hello: ClientHello, transport: HandshakeTransport): void {
  const methods = hello.legacyCompressionMethods;
  if (methods.length !== 1 || methods[0] !== 0) throw illegalParameter('ClientHello: legacy_compression_methods other than null');
  if (transport === 'quic' && hello.legacySessionId.length !== 0)
    throw quicViolation('ClientHello: legacy_session_id is not empty; QUIC has no middlebox compatibility mode (RFC 9001 §8.4)');
}

/** Whether sessions are resumed here or not (RFC 9846 §4.2.9, §4.2.11). */
function checkPreSharedKey(extensions: Extensions): void {
  if (!extensions.has(ExtensionType.PRE_SHARED_KEY)) return;
  if ([...extensions.keys()].at(-1) !== ExtensionType.PRE_SHARED_KEY) throw illegalParameter('ClientHello: pre_shared_key is not last');
  requireExtension(extensions, ExtensionType.PSK_KEY_EXCHANGE_MODES, 'ClientHello with pre_shared_key');
}

function readOffer(extensions: Extensions): OfferedPsks | undefined {
  const data = extensions.get(ExtensionType.PRE_SHARED_KEY);
  return data && decodeOfferedPsks(data);
}

function chooseScheme(extensions: Extensions, settings: ServerSettings): number {
  const data = requireExtension(extensions, ExtensionType.SIGNATURE_ALGORITHMS, 'ClientHello');
  const offered = decodeCodePoints(data, 'signature_algorithms');
  const scheme = settings.signer.schemes.find((candidate) => offered.includes(candidate));
  if (scheme === undefined) throw new TlsAlert(Alert.HANDSHAKE_FAILURE, 'the client takes no signature that our key can make');
  return scheme;
}

function chooseGroup(extensions: Extensions, ours: readonly KeyExchangeGroup[]): Pick<Negotiated, 'group' | 'keyShare'> {
  const groups = decodeCodePoints(requireExtension(extensions, ExtensionType.SUPPORTED_GROUPS, 'ClientHello'), 'supported_groups');
  const shares = decodeClientKeyShares(requireExtension(extensions, ExtensionType.KEY_SHARE, 'ClientHello'));
  const offered = new Set(groups);
  if (offered.size !== groups.length) throw illegalParameter('supported_groups: a group twice');
  for (const group of shares.keys())
    if (!offered.has(group)) throw illegalParameter(`key_share: group ${group} is not among supported_groups`);
  const common = ours.filter((group) => offered.has(groupCode(group)));
  const group = common.find((candidate) => shares.has(groupCode(candidate))) ?? common[0];
  if (group === undefined) throw new TlsAlert(Alert.HANDSHAKE_FAILURE, 'no key exchange group in common');
  const keyShare = shares.get(groupCode(group));
  if (keyShare !== undefined && keyShare.length !== keyShareLength(group))
    throw illegalParameter(`key_share: ${keyShare.length} octets for ${group}`);
  return { group, keyShare };
}

function chooseName(extensions: Extensions, known: readonly string[] | undefined): string {
  const data = extensions.get(ExtensionType.SERVER_NAME);
  if (data === undefined) return '';
  const name = decodeServerName(data).toLowerCase();
  if (known !== undefined && name !== '' && !known.includes(name))
    throw new TlsAlert(Alert.UNRECOGNIZED_NAME, `the client asks for '${name}', which is not served here`);
  return name;
}

/** RFC 9001 §8.2: QUIC's transport parameters, and nobody else's. */
function parametersOf(extensions: Extensions, transport: HandshakeTransport): Uint8Array {
  if (transport === 'quic') return requireExtension(extensions, ExtensionType.QUIC_TRANSPORT_PARAMETERS, 'ClientHello');
  if (!extensions.has(ExtensionType.QUIC_TRANSPORT_PARAMETERS)) return new Uint8Array(0);
  throw new TlsAlert(Alert.UNSUPPORTED_EXTENSION, 'ClientHello: quic_transport_parameters over TCP');
}

/** By the server's preference (RFC 7301 §3.2); none in common ends the connection (RFC 9001 §8.1). Over TCP, either side may have no use for it. */
function chooseProtocol(extensions: Extensions, ours: readonly string[], transport: HandshakeTransport): string {
  const data = extensions.get(ExtensionType.ALPN);
  if (transport === 'tcp' && (data === undefined || ours.length === 0)) return '';
  if (data === undefined) throw new TlsAlert(Alert.NO_APPLICATION_PROTOCOL, 'the client offers no application protocol');
  const offered = decodeProtocols(data);
  const protocol = ours.find((candidate) => offered.includes(candidate));
  if (protocol === undefined)
    throw new TlsAlert(
      Alert.NO_APPLICATION_PROTOCOL,
      `no application protocol in common; ${offered.length} offered, ours: ${ours.join(', ')}`,
    );
  return protocol;
}

/** What may differ in a second ClientHello (RFC 9846 §4.1.2); encrypted_client_hello is sealed anew (RFC 9849). */
const ENCRYPTED_CLIENT_HELLO = 65_037;
const MAY_CHANGE: ReadonlySet<number> = new Set([
  ExtensionType.PADDING,
  ExtensionType.PRE_SHARED_KEY,
  ExtensionType.EARLY_DATA,
  ExtensionType.COOKIE,
  ExtensionType.KEY_SHARE,
  ENCRYPTED_CLIENT_HELLO,
]);

/** Throws illegal_parameter unless the second ClientHello is the first, changed as the HelloRetryRequest asked. */
export function checkSecondHello(first: ClientHello, second: ClientHello, group: KeyExchangeGroup): void {
  const same =
    sameBytes(first.random, second.random) &&
    sameBytes(first.legacySessionId, second.legacySessionId) &&
    first.cipherSuites.length === second.cipherSuites.length &&
    first.cipherSuites.every((suite, i) => suite === second.cipherSuites[i]) &&
    everyKept(first.extensions, second.extensions) &&
    everyKept(second.extensions, first.extensions);
  if (!same) throw illegalParameter('the second ClientHello differs from the first');
  if (second.extensions.has(ExtensionType.EARLY_DATA)) throw illegalParameter('early_data after a HelloRetryRequest');
  const shares = decodeClientKeyShares(requireExtension(second.extensions, ExtensionType.KEY_SHARE, 'ClientHello'));
  if (shares.size !== 1 || !shares.has(groupCode(group))) throw illegalParameter(`a single share for ${group} was asked for`);
}

function everyKept(from: Extensions, to: Extensions): boolean {
  for (const [type, data] of from) {
    if (MAY_CHANGE.has(type)) continue;
    const other = to.get(type);
    if (other === undefined || !sameBytes(data, other)) return false;
  }
  return true;
}
