import { LIMITS } from './limits.ts';

/** Credit that a hop over HTTP/2 or HTTP/3 gives, in octets. It does not grow. */
export interface Windows {
  readonly stream: number;
  readonly connection: number;
}

const SMALLEST = 16_384;
const LARGEST = 1_048_576;

/**
 * The windows with which content that nobody takes holds up nothing but its own stream: those of all streams of a connection fit into the
 * connection's, and those of all requests into `maxBuffered` octets. RFC 9113 §5.2.2, RFC 9000 §4.2.
 * @param streams  that a connection carries at once
 */
export function windowsFor(
  streams: number,
  maxRequests: number = LIMITS.requests.value,
  maxBuffered: number = LIMITS.buffered.value,
): Windows {
  const stream = Math.min(LARGEST, Math.max(SMALLEST, Math.floor(maxBuffered / maxRequests)));
  return { stream, connection: stream * streams };
}
