import { ByteWriter, varintSize } from '@quiclab/bytes';

/**
 * The framing of all exchanges onto one stream, as HTTP/2 does it onto TCP, with no more than the comparison needs:
 *
 *   Frame { Kind (i), Exchange (i), Length (i), Payload (..) }
 *
 * Kinds beyond these do not exist: both ends are ours.
 */
export const Kind = {
  /** A field section in QPACK: header, informational or trailer section, by its place. */
  HEADERS: 0,
  DATA: 1,
  /** The sender's message is complete; no payload. */
  END: 2,
  /** The exchange is over, both ways; the payload is a code of HTTP/3 as a varint. */
  RESET: 3,
  /** No exchanges from this one on; no payload. */
  GOAWAY: 4,
} as const;

/** For messages, and for the map of octets. */
export const NAMES = ['HEADERS', 'DATA', 'END', 'RESET', 'GOAWAY'];
export const MAPPED = ['headers', 'data', 'end', 'reset', 'other'] as const;

export const headerSize = (exchange: number, length: number): number => 1 + varintSize(exchange) + varintSize(length);

export function encodeFrame(kind: number, exchange: number, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(headerSize(exchange, payload.length) + payload.length));
  writer.uint8(kind);
  writer.varint(exchange);
  writer.varint(payload.length);
  writer.octets(payload);
  return writer.bytes;
}
