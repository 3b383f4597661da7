import { type CryptoProvider, initialSecrets, trafficKeys } from '@quiclab/crypto';
import { expandPacketNumber, type PacketHeader, readPacketNumber } from '@quiclab/wire';

export type InitialSecrets = ReturnType<typeof initialSecrets>;

/**
 * A first Initial: whether it is one. Anyone can make one (RFC 9001 §5.2), but what was damaged on the way, or is no QUIC at
 * all, must not cost a connection that nobody will ever speak to again.
 * @returns the secrets of Initial packets, or undefined when this one is not authentic. The datagram is left as it is.
 */
export function admit(provider: CryptoProvider, header: PacketHeader): InitialSecrets | undefined {
  const secrets = initialSecrets(provider, header.version, header.destinationId);
  const keys = trafficKeys(provider, 'TLS_AES_128_GCM_SHA256', secrets.client, header.version);
  const packet = header.bytes.slice(header.start, header.end);
  const packetNumberOffset = header.packetNumberOffset - header.start;
  const length = keys.header.unprotect(packet, 0, packetNumberOffset, packet.length);
  if (length === 0) return undefined;
  const packetNumber = expandPacketNumber(-1, readPacketNumber(packet, packetNumberOffset, length), length);
  return keys.packet.open(packet, 0, packetNumberOffset + length, packet.length, packetNumber) < 0 ? undefined : secrets;
}
