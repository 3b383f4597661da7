import type { Address, Ecn, Micros } from '@quiclab/sansio';
import { ipPacket } from './ip-packet.ts';
import { decryptionSecrets, enhancedPacket, interfaceDescription, sectionHeader } from './pcapng.ts';

export interface CaptureOptions {
  /** Of the place: 'client'. */
  readonly name: string;
  readonly description: string;
  /** Which program writes it. */
  readonly application: string;
}

/** A packet as it was captured. */
interface CapturedPacket {
  readonly at: Micros;
  readonly direction: 'in' | 'out';
  readonly octets: Uint8Array;
  comment: string;
}

/**
 * What passes one place of a network, as a pcapng file with the secrets of the connections inside. It keeps all packets until the end, since secrets stand
 * before them. Nothing but what it is told goes in, so that the same simulated run gives the same bytes.
 */
export class Capture {
  readonly #options: CaptureOptions;
  readonly #packets: CapturedPacket[] = [];
  #keyLog = '';

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** A line of a key log, with its end. */
  secret(line: string): void {
    this.#keyLog += line;
  }

  /**
   * One packet; instants must not fall from call to call. The payload is copied.
   * @param number  the nth on its link: IPv4's identification
   * @returns what `remark` takes
   */
  packet(
    at: Micros,
    direction: 'in' | 'out',
    protocol: 'udp' | 'tcp',
    from: Address,
    to: Address,
    ecn: Ecn,
    number: number,
    payload: Uint8Array,
    comment = '',
  ): number {
    const octets = ipPacket(protocol, from, to, ecn, number, payload);
    return this.#packets.push({ at, direction, octets, comment }) - 1;
  }

  /** Says more of a packet. */
  remark(packet: number, comment: string): void {
    const captured = this.#packets[packet]!;
    captured.comment += captured.comment === '' ? comment : `; ${comment}`;
  }

  /** The file, in pieces. */
  *blocks(): Generator<Uint8Array> {
    const { name, description, application } = this.#options;
    yield sectionHeader(application);
    yield interfaceDescription(name, description);
    if (this.#keyLog !== '') yield decryptionSecrets(this.#keyLog);
    for (const { at, direction, octets, comment } of this.#packets) yield enhancedPacket(at, direction, octets, comment);
  }
}
