import { type ByteWriter, varintSize } from '@quiclab/bytes';

/** Frame types. RFC 9114 §7.2, RFC 9218 §7.2. */
export const FrameType = {
  DATA: 0x00,
  HEADERS: 0x01,
  CANCEL_PUSH: 0x03,
  SETTINGS: 0x04,
  PUSH_PROMISE: 0x05,
  GOAWAY: 0x07,
  MAX_PUSH_ID: 0x0d,
  PRIORITY_UPDATE_REQUEST: 0xf0700,
  PRIORITY_UPDATE_PUSH: 0xf0701,
} as const;

/** Types that HTTP/2 used and HTTP/3 has no use for: PRIORITY, PING, WINDOW_UPDATE, CONTINUATION. RFC 9114 §7.2.8, §11.2.1. */
export const isHttp2Only = (type: number): boolean => type === 0x02 || type === 0x06 || type === 0x08 || type === 0x09;

/** The nth of the identifiers that exist to be ignored: 0x1f * n + 0x21. RFC 9114 §7.2.8, §7.2.4.1, §6.2.3. */
export const reservedIdentifier = (n: number): number => 0x1f * n + 0x21;

export const frameHeaderSize = (type: number, length: number): number => varintSize(type) + varintSize(length);

export function writeFrameHeader(writer: ByteWriter, type: number, length: number): void {
  writer.varint(type);
  writer.varint(length);
}

/** For messages: a name where there is one. */
export function frameName(type: number): string {
  for (const [name, value] of Object.entries(FrameType)) if (value === type) return name;
  return `frame of type 0x${type.toString(16)}`;
}
