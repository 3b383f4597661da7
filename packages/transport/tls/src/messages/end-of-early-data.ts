import { HandshakeType } from '../code-points.ts';
import { decodeError } from '../decoding.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.5. QUIC has none (RFC 9001 §8.3). */
export const encodeEndOfEarlyData = (): Uint8Array => encodeMessage(HandshakeType.END_OF_EARLY_DATA, () => {});

export function checkEndOfEarlyData(body: Uint8Array): void {
  if (body.length !== 0) throw decodeError(`EndOfEarlyData of ${body.length} octets`);
}
