import { latin1, sameBytes, toHex } from '@quiclab/bytes';
import { type Address, MILLISECOND } from '@quiclab/sansio';
import {
  defaultTransportParameters,
  FrameType,
  type PreferredAddress,
  TransportError,
  TransportErrorCode,
  type TransportParameters,
} from '@quiclab/wire';
import type { TransportConfig } from '../config.ts';
import { formatIpv6, ipv4Octets, ipv6Octets } from './ip-octets.ts';

/** What we tell the peer. RFC 9000 §18.2. */
export function localParameters(
  config: TransportConfig,
  initialSourceConnectionId: Uint8Array,
  server:
    | Pick<TransportParameters, 'originalDestinationConnectionId' | 'statelessResetToken' | 'retrySourceConnectionId' | 'preferredAddress'>
    | undefined,
): TransportParameters {
  return {
    ...defaultTransportParameters,
    ...server,
    maxIdleTimeout: Math.ceil(config.maxIdleTimeout / MILLISECOND),
    maxUdpPayloadSize: config.maxUdpPayloadSize,
    initialMaxData: config.initialMaxData,
    initialMaxStreamDataBidiLocal: config.initialMaxStreamData,
    initialMaxStreamDataBidiRemote: config.initialMaxStreamData,
    initialMaxStreamDataUni: config.initialMaxStreamData,
    initialMaxStreamsBidi: config.maxStreamsBidi,
    initialMaxStreamsUni: config.maxStreamsUni,
    ackDelayExponent: config.ackDelayExponent,
    maxAckDelay: Math.ceil(config.maxAckDelay / MILLISECOND),
    disableActiveMigration: config.disableActiveMigration,
    activeConnectionIdLimit: config.activeConnectionIdLimit,
    greaseQuicBit: config.grease,
    initialSourceConnectionId,
    maxDatagramFrameSize: config.maxDatagramFrameSize,
    resetStreamAt: config.resetStreamAt,
    ...(config.ackFrequency && { minAckDelay: Math.min(config.minAckDelay, config.maxAckDelay) }),
  };
}

/**
 * The connection IDs that the peer used in the handshake must be the ones that it says, authenticated, that it used.
 * RFC 9000 §7.3. Throws TRANSPORT_PARAMETER_ERROR.
 * @param client  at a client: the destination ID of its first Initial, and the source ID of the Retry if there was one
 */
export function authenticateIds(
  peer: TransportParameters,
  handshakeSource: Uint8Array,
  client: { readonly originalDestination: Uint8Array; readonly retrySource: Uint8Array | undefined } | undefined,
): void {
  same('initial_source_connection_id', peer.initialSourceConnectionId, handshakeSource);
  if (client === undefined) return;
  same('original_destination_connection_id', peer.originalDestinationConnectionId, client.originalDestination);
  if (client.retrySource !== undefined) same('retry_source_connection_id', peer.retrySourceConnectionId, client.retrySource);
  else if (peer.retrySourceConnectionId !== undefined) fail('retry_source_connection_id came without a Retry');
}

/** RFC 9000 §18.2: an address of a family that is not there is all zeros. Throws UsageError for what is no literal address. */
export function preferredAddress(
  addresses: NonNullable<TransportConfig['preferredAddress']>,
  { id, resetToken }: { readonly id: Uint8Array; readonly resetToken: Uint8Array },
): PreferredAddress {
  const { ipv4, ipv6 } = addresses;
  return {
    ipv4: ipv4 === undefined ? new Uint8Array(4) : ipv4Octets(ipv4.host),
    ipv4Port: ipv4?.port ?? 0,
    ipv6: ipv6 === undefined ? new Uint8Array(16) : ipv6Octets(ipv6.host),
    ipv6Port: ipv6?.port ?? 0,
    connectionId: id,
    resetToken,
  };
}

/** Where a client goes: the server's preferred address of the family that it uses already. undefined: it offers none. RFC 9000 §9.6. */
export function preferredFor(remote: Address, preferred: PreferredAddress): Address | undefined {
  const wantsIpv6 = remote.host.includes(':');
  const port = wantsIpv6 ? preferred.ipv6Port : preferred.ipv4Port;
  if (port === 0) return undefined;
  return { host: wantsIpv6 ? formatIpv6(preferred.ipv6) : preferred.ipv4.join('.'), port };
}

/** The limits that early data is sent by: a server that takes it must not give less than it gave when the session was made. RFC 9000 §7.4.1. */
const EARLY_LIMITS = [
  'activeConnectionIdLimit',
  'initialMaxData',
  'initialMaxStreamDataBidiLocal',
  'initialMaxStreamDataBidiRemote',
  'initialMaxStreamDataUni',
  'initialMaxStreamsBidi',
  'initialMaxStreamsUni',
  'maxDatagramFrameSize', // RFC 9221 §3
  'resetStreamAt',
] as const;

/** What a server's tickets remember of its parameters: as long as it would say the same, early data is taken. */
export const rememberedLimits = (ours: TransportParameters): Uint8Array => latin1(EARLY_LIMITS.map((name) => ours[name]).join(' '));

/** Throws PROTOCOL_VIOLATION when a server took early data and gives less than it was sent by. */
export function checkNotReduced(remembered: TransportParameters, now: TransportParameters): void {
  for (const name of EARLY_LIMITS)
    if (Number(now[name]) < Number(remembered[name]))
      throw new TransportError(
        TransportErrorCode.PROTOCOL_VIOLATION,
        `${name} is ${now[name]}, early data was sent and taken by ${remembered[name]}`,
        FrameType.CRYPTO,
      );
}

function same(name: string, said: Uint8Array | undefined, used: Uint8Array): void {
  if (said === undefined) fail(`${name} is missing`);
  if (!sameBytes(said, used)) fail(`${name} is ${toHex(said)}, ${toHex(used)} was used`);
}

function fail(reason: string): never {
  throw new TransportError(TransportErrorCode.TRANSPORT_PARAMETER_ERROR, reason, FrameType.CRYPTO);
}
