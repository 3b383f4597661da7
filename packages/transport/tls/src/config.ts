import type { CipherSuite, CryptoProvider, KeyExchangeGroup, Signer, Trust } from '@quiclab/crypto';
import type { HandshakeTransport } from './port.ts';
import type { TicketKeeper } from './tickets.ts';

const ALL_SUITES: readonly CipherSuite[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const ALL_GROUPS: readonly KeyExchangeGroup[] = ['x25519', 'secp256r1'];

/** What all handshakes of a client have in common. */
export interface ClientConfig {
  readonly provider: CryptoProvider;
  /** Extra roots, or `verify: false`. Default: the platform's roots; chain and host name are verified. */
  readonly trust?: Trust;
  /** Offered, preferred first. Default: AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305. */
  readonly suites?: readonly CipherSuite[];
  /** Offered, preferred first. Default: x25519, secp256r1. */
  readonly groups?: readonly KeyExchangeGroup[];
  /** The groups for which the first ClientHello has a share already; each of `groups`. Default: the first of them. */
  readonly keyShares?: readonly KeyExchangeGroup[];
  /** Octets of padding in the ClientHello (RFC 7685), so that it can be made to fill two datagrams. Default 0: no such extension. */
  readonly padding?: number;
}

/** What all handshakes of a server have in common. */
export interface ServerConfig {
  readonly provider: CryptoProvider;
  /** The chain in DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
  /** The leaf's private key, in PKCS#8, or whatever signs with it. */
  readonly privateKey: Uint8Array | Signer;
  /** Accepted, preferred first; the server's preference decides. Default as for the client. */
  readonly suites?: readonly CipherSuite[];
  /** Accepted, preferred first; but a group whose share is there already comes before one that takes another round trip. */
  readonly groups?: readonly KeyExchangeGroup[];
  /** Where given: a client that names another host is refused with unrecognized_name. Default: any name will do. */
  readonly serverNames?: readonly string[];
  /** What makes and opens session tickets; the same for all handshakes of a server. Default: sessions are not resumed. */
  readonly tickets?: TicketKeeper;
  /** Tickets for each connection: one for each that a client will open next. 1 to 16, default 1. */
  readonly ticketCount?: number;
  /** Ask for early data, and take it, where the transport says what to remember for it. Default false: it can be replayed (RFC 9846 §8). */
  readonly earlyData?: boolean;
  /** Octets of early data that a client may send, or that are passed over, over TCP; QUIC has flow control for it. 1 to 2^32 − 2. Default 16,384. */
  readonly maxEarlyData?: number;
}

/** A ClientConfig with every choice made. */
export interface ClientSettings {
  readonly provider: CryptoProvider;
  readonly trust: Trust;
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly KeyExchangeGroup[];
  readonly keyShares: readonly KeyExchangeGroup[];
  readonly padding: number;
}

/** A ServerConfig with every choice made, and the signer made once: a key object costs ten times what a signature does. */
export interface ServerSettings {
  readonly provider: CryptoProvider;
  readonly certificates: readonly Uint8Array[];
  readonly signer: Signer;
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly KeyExchangeGroup[];
  readonly serverNames: readonly string[] | undefined;
  readonly tickets: TicketKeeper | undefined;
  readonly ticketCount: number;
  readonly earlyData: boolean;
  readonly maxEarlyData: number;
}

/** @throws Error for a configuration that no handshake can succeed with */
export function clientSettings(config: ClientConfig): ClientSettings {
  const { provider, trust = {}, suites = ALL_SUITES, groups = ALL_GROUPS, keyShares = groups.slice(0, 1), padding = 0 } = config;
  demandChoices(suites, groups);
  if (!keyShares.every((group) => groups.includes(group))) throw new Error(`key shares (${keyShares}) outside the groups (${groups})`);
  if (new Set(keyShares).size !== keyShares.length) throw new Error(`a key share twice: ${keyShares}`);
  return { provider, trust, suites, groups, keyShares, padding };
}

/** @throws Error for a configuration that no handshake can succeed with, and whatever the provider says of the key */
export function serverSettings(config: ServerConfig): ServerSettings {
  const { provider, certificates, privateKey, suites = ALL_SUITES, groups = ALL_GROUPS } = config;
  const { tickets, ticketCount = 1, earlyData = false, maxEarlyData = 16_384 } = config;
  demandChoices(suites, groups);
  if (certificates.length === 0) throw new Error('a server needs a certificate');
  if (!Number.isInteger(ticketCount) || ticketCount < 1 || ticketCount > 16)
    throw new Error(`${ticketCount} tickets; 1 to 16 are possible`);
  if (earlyData && tickets === undefined) throw new Error('early data needs tickets');
  if (!Number.isInteger(maxEarlyData) || maxEarlyData < 1 || maxEarlyData > 0xffff_fffe)
    throw new Error(`${maxEarlyData} octets of early data; 1 to 2^32 - 2 are possible`);
  const serverNames = config.serverNames?.map((name) => name.toLowerCase());
  const signer = privateKey instanceof Uint8Array ? provider.signer(privateKey) : privateKey;
  return { provider, certificates, signer, suites, groups, serverNames, tickets, ticketCount, earlyData, maxEarlyData };
}

function demandChoices(suites: readonly CipherSuite[], groups: readonly KeyExchangeGroup[]): void {
  if (suites.length === 0 || groups.length === 0) throw new Error('at least one cipher suite and one group are needed');
}

/** QUIC demands ALPN (RFC 9001 §8.1). @throws Error for names that cannot be sent (RFC 7301 §3.1) */
export function demandProtocols(alpn: readonly string[], transport: HandshakeTransport = 'quic'): void {
  if (alpn.length === 0 && transport === 'quic') throw new Error('at least one application protocol is needed (RFC 9001 §8.1)');
  for (const name of alpn) if (name.length < 1 || name.length > 255) throw new Error(`'${name}' is no protocol name`);
}
