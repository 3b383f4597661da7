import { closeSync, openSync, writeSync } from 'node:fs';
import type { Micros } from '@quiclab/sansio';

const LINKTYPE_RAW = 101; // each packet begins with its IP header
const IPV4_HEADER = 20;
const UDP_HEADER = 8;

/** Datagrams as they would look on a wire between 192.0.2.1 (client) and 192.0.2.2, port 443 (server), in a file that Wireshark reads. */
export class PcapWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    const header = new DataView(new ArrayBuffer(24));
    header.setUint32(0, 0xa1b2c3d4); // times in microseconds
    header.setUint16(4, 2);
    header.setUint16(6, 4);
    header.setUint32(16, 65_535);
    header.setUint32(20, LINKTYPE_RAW);
    writeSync(this.#file, header);
  }

  /** @param clientPort  tells connections apart; the server's is 443 always, so that dissectors expect QUIC */
  write(at: Micros, direction: 'up' | 'down', clientPort: number, payload: Uint8Array): void {
    const length = IPV4_HEADER + UDP_HEADER + payload.length;
    const record = new Uint8Array(16 + length);
    const view = new DataView(record.buffer);
    view.setUint32(0, Math.floor(at / 1_000_000));
    view.setUint32(4, at % 1_000_000);
    view.setUint32(8, length);
    view.setUint32(12, length);
    record.set([0x45, 0], 16);
    view.setUint16(18, length);
    record.set([64, 17], 24); // hop limit, UDP
    record.set([192, 0, 2, direction === 'up' ? 1 : 2, 192, 0, 2, direction === 'up' ? 2 : 1], 28);
    view.setUint16(26, checksum(view, 16, IPV4_HEADER));
    view.setUint16(36, direction === 'up' ? clientPort : 443);
    view.setUint16(38, direction === 'up' ? 443 : clientPort);
    view.setUint16(40, UDP_HEADER + payload.length); // a checksum of 0 stays: none was computed (RFC 768)
    record.set(payload, 16 + IPV4_HEADER + UDP_HEADER);
    writeSync(this.#file, record);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The Internet checksum (RFC 1071). */
function checksum(view: DataView, start: number, length: number): number {
  let sum = 0;
  for (let i = start; i < start + length; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
