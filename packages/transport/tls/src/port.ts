import type { CipherSuite } from '@quiclab/crypto';
import type { Micros, Random } from '@quiclab/sansio';

/** Encryption levels (RFC 9001 §4.1.4). */
export type Level = 'initial' | 'early' | 'handshake' | 'application';

/**
 * A cryptographic handshake as QUIC sees it (RFC 9001 §4): octets of CRYPTO streams in and out, secrets, and the peer's
 * transport parameters. What the peer did wrong is thrown as a TlsAlert, from `receive`.
 */
export interface Handshake {
  /** Our quic_transport_parameters, encoded. A client's before the first `poll`; a server's after 'peer-parameters' (RFC 9368 picks the version from those). */
  setLocalParameters(data: Uint8Array): void;
  /** In-order octets of the CRYPTO stream of this level; any split. The octets are copied where they must be kept. */
  receive(now: Micros, level: Level, crypto: Uint8Array): void;
  poll(now: Micros): HandshakeStep | undefined;
}

export type HandshakeStep =
  | { readonly type: 'send'; readonly level: Level; readonly data: Uint8Array }
  | { readonly type: 'peer-parameters' | 'session'; readonly data: Uint8Array }
  | {
      readonly type: 'secret';
      readonly level: Level;
      readonly side: 'read' | 'write';
      readonly suite: CipherSuite;
      readonly secret: Uint8Array;
      /** NSS key log label, e.g. CLIENT_HANDSHAKE_TRAFFIC_SECRET. */
      readonly label: string;
      readonly clientRandom: Uint8Array;
    }
  | { readonly type: 'complete'; readonly alpn: string; readonly earlyData: 'none' | 'accepted' | 'rejected' };

export type HandshakeFactory = (options: {
  readonly side: 'client' | 'server';
  readonly serverName: string;
  readonly alpn: readonly string[];
  readonly random: Random;
  readonly session?: Uint8Array;
}) => Handshake;

/** The peer (or its certificate) broke the handshake; QUIC closes with CRYPTO_ERROR 0x0100 + alert (RFC 9001 §4.8). */
export class TlsAlert extends Error {
  readonly alert: number;
  constructor(alert: number, message: string) {
    super(message);
    this.name = 'TlsAlert';
    this.alert = alert;
  }
}
