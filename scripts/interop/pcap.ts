import { closeSync, openSync, writeSync } from 'node:fs';
import type { Micros } from '@quiclab/sansio';
import { ipPacket } from '@quiclab/trace';

const LINKTYPE_RAW = 101; // each packet begins with its IP header
const RECORD_HEADER = 16;
const CLIENT = '192.0.2.1';
const SERVER = '192.0.2.2';

/**
 * Datagrams as they would look on a wire between 192.0.2.1 (client) and 192.0.2.2, port 443 (server), in a file that Wireshark reads. Plain pcap, written as
 * they come: those that are exchanged with other programs have their key log beside them, and may be many.
 */
export class PcapWriter {
  readonly #file: number;
  #count = 0;

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
    const [client, server] = [
      { host: CLIENT, port: clientPort },
      { host: SERVER, port: 443 },
    ];
    const [from, to] = direction === 'up' ? [client, server] : [server, client];
    const packet = ipPacket('udp', from, to, 0, ++this.#count, payload);
    const record = new Uint8Array(RECORD_HEADER + packet.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, Math.floor(at / 1_000_000));
    view.setUint32(4, at % 1_000_000);
    view.setUint32(8, packet.length);
    view.setUint32(12, packet.length);
    record.set(packet, RECORD_HEADER);
    writeSync(this.#file, record);
  }

  close(): void {
    closeSync(this.#file);
  }
}
