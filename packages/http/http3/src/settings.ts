import { ByteReader, ByteWriter } from '@quiclab/bytes';
import { H3, HttpConnectionError } from './errors.ts';
import { FrameType, writeFrameHeader } from './frames.ts';
import { LIMITS } from './limits.ts';

/** Settings identifiers. RFC 9114 §7.2.4.1, RFC 9204 §5, RFC 9220 §5, RFC 9297 §2.1.1. */
export const Setting = {
  QPACK_MAX_TABLE_CAPACITY: 0x01,
  MAX_FIELD_SECTION_SIZE: 0x06,
  QPACK_BLOCKED_STREAMS: 0x07,
  ENABLE_CONNECT_PROTOCOL: 0x08,
  H3_DATAGRAM: 0x33,
} as const;

export type Settings = readonly (readonly [id: number, value: number])[];

/** The value of a setting, or its default. */
export function settingValue(settings: Settings, id: number, otherwise: number): number {
  for (const setting of settings) if (setting[0] === id) return setting[1];
  return otherwise;
}

/** A SETTINGS frame. */
export function encodeSettings(settings: Settings): Uint8Array {
  const payload = ByteWriter.growable(64);
  for (const [id, value] of settings) {
    payload.varint(id);
    payload.varint(value);
  }
  const frame = ByteWriter.growable(payload.position + 4);
  writeFrameHeader(frame, FrameType.SETTINGS, payload.position);
  frame.octets(payload.written());
  return frame.written();
}

/** Reads the payload of a SETTINGS frame; unknown ones are kept. Throws what RFC 9114 §7.2.4 asks for. */
export function decodeSettings(payload: Uint8Array): Settings {
  const reader = new ByteReader(payload);
  const settings: (readonly [number, number])[] = [];
  const seen = new Set<number>();
  while (reader.remaining > 0) {
    const id = reader.varint();
    const value = reader.varint();
    if (reader.overrun) throw new HttpConnectionError(H3.FRAME_ERROR, 'SETTINGS ends within a setting');
    if (id >= 0x02 && id <= 0x05) throw new HttpConnectionError(H3.SETTINGS_ERROR, `setting ${id} belongs to HTTP/2`);
    if (seen.has(id)) throw new HttpConnectionError(H3.SETTINGS_ERROR, `setting ${id} twice`);
    if ((id === Setting.H3_DATAGRAM || id === Setting.ENABLE_CONNECT_PROTOCOL) && value > 1)
      throw new HttpConnectionError(H3.SETTINGS_ERROR, `setting ${id} is ${value}, not 0 or 1`); // RFC 9297 §2.1.1, RFC 8441 §3
    seen.add(id);
    if (seen.size > LIMITS.settings.value) throw new HttpConnectionError(H3.EXCESSIVE_LOAD, `${seen.size} settings, or more`);
    settings.push([id, value]);
  }
  return settings;
}
