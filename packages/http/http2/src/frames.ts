/** Frame types. RFC 9113 §6; RFC 7838 §4; RFC 8336 §2; RFC 9218 §7.1. */
export const FrameType = {
  DATA: 0x00,
  HEADERS: 0x01,
  PRIORITY: 0x02,
  RST_STREAM: 0x03,
  SETTINGS: 0x04,
  PUSH_PROMISE: 0x05,
  PING: 0x06,
  GOAWAY: 0x07,
  WINDOW_UPDATE: 0x08,
  CONTINUATION: 0x09,
  PRIORITY_UPDATE: 0x10,
} as const;

export const Flag = { ACK: 0x01, END_STREAM: 0x01, END_HEADERS: 0x04, PADDED: 0x08, PRIORITY: 0x20 } as const;

/** Octets of a frame header. RFC 9113 §4.1. */
export const FRAME_HEADER = 9;

/** What SETTINGS_MAX_FRAME_SIZE begins with, and may at most be. RFC 9113 §6.5.2. */
export const DEFAULT_FRAME_SIZE = 16_384;
export const LARGEST_FRAME_SIZE = 16_777_215;

/** What windows begin with, and may at most be. RFC 9113 §6.9.1, §6.9.2. */
export const DEFAULT_WINDOW = 65_535;
export const LARGEST_WINDOW = 0x7fff_ffff;

export const LARGEST_STREAM_ID = 0x7fff_ffff;

/** "PRI * HTTP/2.0", two empty lines with "SM" between them. RFC 9113 §3.4. */
export const PREFACE: readonly number[] = [
  0x50, 0x52, 0x49, 0x20, 0x2a, 0x20, 0x48, 0x54, 0x54, 0x50, 0x2f, 0x32, 0x2e, 0x30, 0x0d, 0x0a, 0x0d, 0x0a, 0x53, 0x4d, 0x0d, 0x0a, 0x0d,
  0x0a,
];

export function writeFrameHeader(into: Uint8Array, at: number, length: number, type: number, flags: number, stream: number): void {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  into[at + 5] = stream >>> 24;
  into[at + 6] = stream >>> 16;
  into[at + 7] = stream >>> 8;
  into[at + 8] = stream;
}

/** For messages: a name where there is one. */
export function frameName(type: number): string {
  for (const [name, value] of Object.entries(FrameType)) if (value === type) return name;
  return `a frame of type 0x${type.toString(16)}`;
}
