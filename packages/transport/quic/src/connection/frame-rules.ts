import { Space } from '@quiclab/recovery';
import { FrameType, frameName, TransportError, TransportErrorCode } from '@quiclab/wire';

// RFC 9000 Table 3: in which packets a frame may appear.
const INITIAL = 1 << Space.INITIAL;
const HANDSHAKE = 1 << Space.HANDSHAKE;
const ONE_RTT = 1 << Space.APPLICATION;
const ZERO_RTT = 1 << 3;
const ALL = INITIAL | HANDSHAKE | ONE_RTT;

const ALLOWED: number[] = [];
for (let type = 0; type <= FrameType.HANDSHAKE_DONE; type++) ALLOWED[type] = ONE_RTT | ZERO_RTT;
for (const type of [FrameType.NEW_TOKEN, FrameType.PATH_RESPONSE, FrameType.RETIRE_CONNECTION_ID, FrameType.HANDSHAKE_DONE])
  ALLOWED[type] = ONE_RTT;
ALLOWED[FrameType.RESET_STREAM_AT] = ONE_RTT | ZERO_RTT;
ALLOWED[FrameType.DATAGRAM] = ONE_RTT | ZERO_RTT; // RFC 9221 §5
// draft-ietf-quic-ack-frequency §3: min_ack_delay is not remembered, so nobody may send these in 0-RTT
ALLOWED[FrameType.ACK_FREQUENCY] = ONE_RTT;
ALLOWED[FrameType.IMMEDIATE_ACK] = ONE_RTT;
ALLOWED[FrameType.PADDING] = ALL | ZERO_RTT;
ALLOWED[FrameType.PING] = ALL | ZERO_RTT;
ALLOWED[FrameType.ACK] = ALL;
ALLOWED[FrameType.ACK_ECN] = ALL;
ALLOWED[FrameType.CRYPTO] = ALL;
ALLOWED[FrameType.CONNECTION_CLOSE] = ALL | ZERO_RTT;

/** Throws PROTOCOL_VIOLATION for a frame where it must not be. RFC 9000 §12.4. @param rawType  as on the wire, for the peer to read */
export function checkPlace(type: number, rawType: number, space: Space, early: boolean): void {
  if ((ALLOWED[type]! & (early ? ZERO_RTT : 1 << space)) === 0)
    throw new TransportError(
      TransportErrorCode.PROTOCOL_VIOLATION,
      `${frameName(type)} in ${early ? 'a 0-RTT' : space === Space.INITIAL ? 'an Initial' : 'a Handshake'} packet`,
      rawType,
    );
}

/** What a path may be probed by without moving there. RFC 9000 §9.1. */
export const isProbing = (type: number): boolean =>
  type === FrameType.PATH_CHALLENGE ||
  type === FrameType.PATH_RESPONSE ||
  type === FrameType.NEW_CONNECTION_ID ||
  type === FrameType.PADDING;

/** All but ACK, PADDING and CONNECTION_CLOSE. RFC 9002 §2. */
export const isAckEliciting = (type: number): boolean =>
  type !== FrameType.PADDING &&
  type !== FrameType.ACK &&
  type !== FrameType.ACK_ECN &&
  type !== FrameType.CONNECTION_CLOSE &&
  type !== FrameType.CONNECTION_CLOSE_APP;
