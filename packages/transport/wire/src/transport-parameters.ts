/** A server's preferred address. RFC 9000 §18.2. An address family that is not offered is all zeros, port included. */
export interface PreferredAddress {
  /** 4 octets. */
  readonly ipv4: Uint8Array;
  readonly ipv4Port: number;
  /** 16 octets. */
  readonly ipv6: Uint8Array;
  readonly ipv6Port: number;
  /** 1 to 20 octets; its sequence number is 1. */
  readonly connectionId: Uint8Array;
  /** Stateless reset token of that ID, 16 octets. */
  readonly resetToken: Uint8Array;
}

/** What an endpoint tells its peer in the handshake. RFC 9000 §18.2. Numbers from 2^53 on saturate. */
export interface TransportParameters {
  /** Server only: destination ID of the client's first Initial. */
  readonly originalDestinationConnectionId?: Uint8Array;
  /** Milliseconds; 0: none. */
  readonly maxIdleTimeout: number;
  /** Server only: 16 octets. */
  readonly statelessResetToken?: Uint8Array;
  /** Octets of the largest UDP payload that is taken, from 1200. */
  readonly maxUdpPayloadSize: number;
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  /** The peer's ACK Delay fields are in units of 2^this microseconds; up to 20. */
  readonly ackDelayExponent: number;
  /** Milliseconds, below 2^14. */
  readonly maxAckDelay: number;
  readonly disableActiveMigration: boolean;
  /** Server only. */
  readonly preferredAddress?: PreferredAddress;
  /** At least 2. */
  readonly activeConnectionIdLimit: number;
  readonly initialSourceConnectionId?: Uint8Array;
  /** Server only, after Retry. */
  readonly retrySourceConnectionId?: Uint8Array;
}

/** What holds for a peer that sends no parameter at all. RFC 9000 §18.2. */
export const defaultTransportParameters: TransportParameters = {
  maxIdleTimeout: 0,
  maxUdpPayloadSize: 65527,
  initialMaxData: 0,
  initialMaxStreamDataBidiLocal: 0,
  initialMaxStreamDataBidiRemote: 0,
  initialMaxStreamDataUni: 0,
  initialMaxStreamsBidi: 0,
  initialMaxStreamsUni: 0,
  ackDelayExponent: 3,
  maxAckDelay: 25,
  disableActiveMigration: false,
  activeConnectionIdLimit: 2,
};

/** A parameter beyond those of RFC 9000: a reserved one (31 * N + 27), or an extension's. */
export interface OtherParameter {
  readonly id: number;
  readonly value: Uint8Array;
}

export function encodeTransportParameters(_parameters: TransportParameters, _grease?: OtherParameter): Uint8Array {
  throw new Error('not yet');
}

export function decodeTransportParameters(_bytes: Uint8Array, _from: 'client' | 'server'): TransportParameters {
  throw new Error('not yet');
}
