import { HandshakeType } from '../code-points.ts';
import { decodeError } from '../decoding.ts';
import { encodeMessage } from '../message-buffer.ts';

/** RFC 9846 §4.4.4. */
export const encodeFinished = (verifyData: Uint8Array): Uint8Array => encodeMessage(HandshakeType.FINISHED, (w) => w.octets(verifyData));

/** @param length  octets of the handshake's hash: a Finished is verify_data and nothing else */
export function decodeFinished(body: Uint8Array, length: number): Uint8Array {
  if (body.length !== length) throw decodeError(`Finished of ${body.length} octets, the hash has ${length}`);
  return body;
}
