import type { CipherSuite } from '@quiclab/crypto';
import type { Micros, Random } from '@quiclab/sansio';

/** Encryption levels (RFC 9001 §4.1.4). */
export type Level = 'initial' | 'early' | 'handshake' | 'application';

/** What carries the handshake: CRYPTO frames of QUIC (RFC 9001 §4), or records over TCP (RFC 9846 §5). */
export type HandshakeTransport = 'quic' | 'tcp';

/**
 * A cryptographic handshake as its transport sees it (RFC 9001 §4): octets of handshake messages in and out, secrets, and in QUIC
 * the peer's transport parameters. What the peer did wrong is thrown as a TlsAlert, from `receive`.
 */
export interface Handshake {
  /** Our quic_transport_parameters, encoded. A client's before the first `poll`; a server's after 'peer-parameters' (RFC 9368 picks the version from those). Not over TCP. */
  setLocalParameters(data: Uint8Array): void;
  /**
   * In-order octets of the CRYPTO stream of this level, or of handshake records protected with its keys; any split. What follows
   * the last message before a change of keys in the same call is refused. The octets are copied where they must be kept.
   */
  receive(now: Micros, level: Level, crypto: Uint8Array): void;
  poll(now: Micros): HandshakeStep | undefined;
}

/** What the record layer asks beside. */
export interface RecordHandshake extends Handshake {
  /** Whether a message has begun to come, and is not whole: then nothing else may come between (RFC 9846 §5.1). */
  readonly midMessage: boolean;
}

export type HandshakeStep =
  | { readonly type: 'send'; readonly level: Level; readonly data: Uint8Array }
  /**
   * 'peer-parameters': what the peer says of itself in this handshake. 'session': for a client to resume with later, see
   * HandshakeOptions. 'remembered-parameters': for a client whose early data may be sent now, what the server said of itself when the
   * session was made; its write keys of level 'early' are the next step (RFC 9000 §7.4.1).
   */
  | { readonly type: 'peer-parameters' | 'session' | 'remembered-parameters'; readonly data: Uint8Array }
  /** What the server makes of a client's early data. Once, where some was offered; before 'peer-parameters', and before 'complete' says it again. */
  | { readonly type: 'early-data'; readonly accepted: boolean }
  /**
   * Over TCP, where early data was offered. At a client: it may be sent, in this protocol, at most so many octets; its write keys are
   * the next step. At a server: so many octets are taken, or passed over; 'early-data' says which (RFC 9846 §4.2.10).
   */
  | { readonly type: 'early'; readonly alpn: string; readonly octets: number }
  /** Over TCP: here a change_cipher_spec record goes out, for the sake of middleboxes (RFC 9846 §E.4). */
  | { readonly type: 'change-cipher-spec' }
  /** Over TCP: the peer's next record has its next keys; `requested`: it wants ours to follow (RFC 9846 §4.6.3). */
  | { readonly type: 'key-update'; readonly requested: boolean }
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
  | {
      readonly type: 'complete';
      readonly alpn: string;
      /** 'none' where none was offered. */
      readonly earlyData: 'none' | 'accepted' | 'rejected';
      /** Whether a session was resumed: then no certificate was sent. */
      readonly resumed: boolean;
    };

export interface HandshakeOptions {
  readonly side: 'client' | 'server';
  /**
   * Default 'quic'. Over 'tcp' there are no transport parameters, ALPN is optional, EndOfEarlyData and KeyUpdate are messages, and
   * read keys come when the peer's last record under the ones before was read.
   */
  readonly transport?: HandshakeTransport;
  /** A client's, over TCP: look like TLS 1.2 to middleboxes (RFC 9846 §E.4). Default true. A server follows its client. */
  readonly compatibility?: boolean;
  readonly serverName: string;
  /** Application protocols, preferred first. Over TCP there may be none. */
  readonly alpn: readonly string[];
  readonly random: Random;
  /**
   * A client's: what a 'session' step of an earlier connection gave. It should be offered once only, or connections can be linked
   * (RFC 9846 §C.4). One that does not fit, that has expired or that is no session is passed over: the handshake is a full one.
   */
  readonly session?: Uint8Array;
  /** A client's: offer early data, if the session allows it. Default false: early data can be replayed (RFC 9846 §F.5). */
  readonly earlyData?: boolean;
  /**
   * What a session and the connections that resume it must have in common, beside what TLS asks for: QUIC's version (RFC 9369 §5).
   * Asked when a session is offered, taken and made, as the version may change meanwhile. At most 255 octets. Default: ''.
   */
  readonly context?: () => string;
  /**
   * A server's: what its tickets remember, for early data on later connections to be judged by: transport parameters, settings of
   * the application (RFC 9001 §4.6.3). Where it is not given, no early data is taken, and none is asked for.
   */
  readonly remember?: Uint8Array;
  /** A server's: whether early data that was sent in the belief in what was remembered can be taken. Default: if the same would be remembered now. */
  readonly acceptEarlyData?: (remembered: Uint8Array) => boolean;
}

export type HandshakeFactory = (options: HandshakeOptions) => Handshake;
export type RecordHandshakeFactory = (options: HandshakeOptions) => RecordHandshake;

/** The peer (or its certificate) broke the handshake; QUIC closes with CRYPTO_ERROR 0x0100 + alert (RFC 9001 §4.8), but see `violatesQuic`. */
export class TlsAlert extends Error {
  readonly alert: number;
  /** It breaks a rule that only QUIC has: RFC 9001 names PROTOCOL_VIOLATION for it (§4.1.3, §4.4, §4.6.1, §8.4). Whoever is not QUIC sends the alert. */
  readonly violatesQuic: boolean;
  constructor(alert: number, message: string, violatesQuic = false) {
    super(message);
    this.name = 'TlsAlert';
    this.alert = alert;
    this.violatesQuic = violatesQuic;
  }
}
