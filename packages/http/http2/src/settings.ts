import { ByteReader } from '@quiclab/bytes';
import { H2, HttpConnectionError } from './errors.ts';
import { DEFAULT_FRAME_SIZE, LARGEST_FRAME_SIZE, LARGEST_WINDOW } from './frames.ts';
import { LIMITS } from './limits.ts';

/** Settings identifiers. RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1. */
export const Setting = {
  HEADER_TABLE_SIZE: 0x01,
  ENABLE_PUSH: 0x02,
  MAX_CONCURRENT_STREAMS: 0x03,
  INITIAL_WINDOW_SIZE: 0x04,
  MAX_FRAME_SIZE: 0x05,
  MAX_HEADER_LIST_SIZE: 0x06,
  ENABLE_CONNECT_PROTOCOL: 0x08,
  NO_RFC7540_PRIORITIES: 0x09,
} as const;

export type Settings = readonly (readonly [id: number, value: number])[];

/** The payload of a SETTINGS frame. */
export function encodeSettings(settings: Settings): Uint8Array {
  const payload = new Uint8Array(6 * settings.length);
  settings.forEach(([id, value], i) => {
    for (let octet = 0; octet < 2; octet++) payload[6 * i + octet] = id >>> (8 - 8 * octet);
    for (let octet = 0; octet < 4; octet++) payload[6 * i + 2 + octet] = value >>> (24 - 8 * octet);
  });
  return payload;
}

/** Reads the payload of a SETTINGS frame, in its order; unknown ones are kept. Throws what RFC 9113 §6.5.2 asks for. */
export function decodeSettings(payload: Uint8Array, atClient: boolean): Settings {
  const reader = new ByteReader(payload);
  const settings: (readonly [number, number])[] = [];
  while (reader.remaining > 0) {
    const id = reader.uint16();
    const value = reader.uint32();
    if (settings.length === LIMITS.settings.value) throw new HttpConnectionError(H2.ENHANCE_YOUR_CALM, `${payload.length / 6} settings`);
    check(id, value, atClient);
    settings.push([id, value]);
  }
  return settings;
}

function check(id: number, value: number, atClient: boolean): void {
  switch (id) {
    case Setting.ENABLE_PUSH:
      if (value > (atClient ? 0 : 1)) throw invalid(H2.PROTOCOL_ERROR, 'ENABLE_PUSH', value);
      return;
    case Setting.INITIAL_WINDOW_SIZE:
      if (value > LARGEST_WINDOW) throw invalid(H2.FLOW_CONTROL_ERROR, 'INITIAL_WINDOW_SIZE', value);
      return;
    case Setting.MAX_FRAME_SIZE:
      if (value < DEFAULT_FRAME_SIZE || value > LARGEST_FRAME_SIZE) throw invalid(H2.PROTOCOL_ERROR, 'MAX_FRAME_SIZE', value);
      return;
    case Setting.ENABLE_CONNECT_PROTOCOL: // RFC 8441 §3
      if (value > 1) throw invalid(H2.PROTOCOL_ERROR, 'ENABLE_CONNECT_PROTOCOL', value);
      return;
    case Setting.NO_RFC7540_PRIORITIES: // RFC 9218 §2.1
      if (value > 1) throw invalid(H2.PROTOCOL_ERROR, 'NO_RFC7540_PRIORITIES', value);
  }
}

const invalid = (code: number, name: string, value: number): HttpConnectionError =>
  new HttpConnectionError(code, `SETTINGS_${name} is ${value}`);
