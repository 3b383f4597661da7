import { HandshakeType } from '../code-points.ts';
import { decodeError, illegalParameter } from '../decoding.ts';
import { encodeMessage } from '../message-buffer.ts';

const NOT_REQUESTED = 0;
const REQUESTED = 1;

/** RFC 9846 §4.6.3. @param requested  whether the peer is to update its keys as well */
export const encodeKeyUpdate = (requested: boolean): Uint8Array =>
  encodeMessage(HandshakeType.KEY_UPDATE, (w) => w.uint8(requested ? REQUESTED : NOT_REQUESTED));

/** Whether we are asked to update our keys as well. */
export function decodeKeyUpdate(body: Uint8Array): boolean {
  if (body.length !== 1) throw decodeError(`KeyUpdate of ${body.length} octets`);
  const request = body[0]!;
  if (request > REQUESTED) throw illegalParameter(`KeyUpdate: request_update is ${request}`);
  return request === REQUESTED;
}
