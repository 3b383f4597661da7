import { utf8 } from '@quiclab/bytes';
import type { Micros } from '@quiclab/sansio';

// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. A file is their concatenation: section header, interfaces, secrets, packets.

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const DECRYPTION_SECRETS = 0x0a;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Secrets as a key log of NSS: "TLSK". */
const TLS_KEY_LOG = 0x544c534b;
/** Packets begin with their IP header, of either version. */
const LINKTYPE_RAW = 101;
const MICROSECONDS = 6;
const NO_LIMIT = 0;

const OPTION = { end: 0, comment: 1, application: 4, interfaceName: 2, interfaceDescription: 3, timeResolution: 9, flags: 2 } as const;
const DIRECTION = { in: 1, out: 2 } as const;
const EMPTY = new Uint8Array(0);

type Option = readonly [code: number, value: Uint8Array];

/** How a file begins. @param application  which program has written it */
export const sectionHeader = (application: string): Uint8Array =>
  block(
    SECTION_HEADER,
    16,
    (view) => {
      view.setUint32(0, BYTE_ORDER_MAGIC, true);
      view.setUint16(4, 1, true); // version 1.0
      view.setBigUint64(8, 0xffffffffffffffffn, true); // length of the section: not said
    },
    EMPTY,
    [[OPTION.application, utf8(application)]],
  );

/** Where packets were captured; they name it by its number in the section, from 0. Times are in microseconds. */
export const interfaceDescription = (name: string, description: string): Uint8Array =>
  block(
    INTERFACE_DESCRIPTION,
    8,
    (view) => {
      view.setUint16(0, LINKTYPE_RAW, true);
      view.setUint32(4, NO_LIMIT, true);
    },
    EMPTY,
    [
      [OPTION.interfaceName, utf8(name)],
      [OPTION.interfaceDescription, utf8(description)],
      [OPTION.timeResolution, Uint8Array.of(MICROSECONDS)],
    ],
  );

/** What packets after this block are decrypted with. @param keyLog  lines as `keyLogLine` writes them */
export const decryptionSecrets = (keyLog: string): Uint8Array => {
  const secrets = utf8(keyLog);
  return block(
    DECRYPTION_SECRETS,
    8,
    (view) => {
      view.setUint32(0, TLS_KEY_LOG, true);
      view.setUint32(4, secrets.length, true);
    },
    secrets,
    [],
  );
};

/** One IP packet. @param comment  '' for none; it is shown beside the packet */
export const enhancedPacket = (at: Micros, direction: 'in' | 'out', packet: Uint8Array, comment: string): Uint8Array =>
  block(
    ENHANCED_PACKET,
    20,
    (view) => {
      view.setUint32(4, Math.floor(at / 2 ** 32), true);
      view.setUint32(8, at >>> 0, true);
      view.setUint32(12, packet.length, true);
      view.setUint32(16, packet.length, true);
    },
    packet,
    [[OPTION.flags, Uint8Array.of(DIRECTION[direction], 0, 0, 0)], ...(comment === '' ? [] : [[OPTION.comment, utf8(comment)] as const])],
  );

const padded = (length: number): number => (length + 3) & ~3;

/** Type, length, fixed fields, what is variable, options, and the length once more; all of it aligned to four octets. */
function block(type: number, fixed: number, fill: (view: DataView) => void, body: Uint8Array, options: readonly Option[]): Uint8Array {
  const optionsLength = options.length === 0 ? 0 : options.reduce((sum, [, value]) => sum + 4 + padded(value.length), 4);
  const length = 12 + fixed + padded(body.length) + optionsLength;
  const octets = new Uint8Array(length);
  const view = new DataView(octets.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  fill(new DataView(octets.buffer, 8, fixed));
  octets.set(body, 8 + fixed);
  let at = 8 + fixed + padded(body.length);
  for (const [code, value] of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    octets.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  view.setUint32(length - 4, length, true);
  return octets;
}
