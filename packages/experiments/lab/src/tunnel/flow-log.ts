/** What of a tunnel's packets belongs to QUIC and what to TCP, by their own headers: VXLAN's, Ethernet's and IPv4's stand before. */
import type { LinkPacket } from '@quiclab/impair';
import type { Micros } from '@quiclab/sansio';
import { LinkLog } from '../worlds/links.ts';
import { TUNNEL_OVERHEAD } from './namespaces.ts';

const TCP = 6;
const UDP = 17;
const UDP_HEADER = 8;

/** Of what arrived. */
export interface Flows {
  /** The first and last datagram that begins with a 1-RTT packet (RFC 9000 §17.3); -1: there was none. */
  readonly quicFirstAt: Micros;
  readonly quicLastAt: Micros;
  /** Octets by which TCP's stream grew between those. Of several streams, all octets together. */
  readonly tcpOctets: number;
  /** The largest IP packet of each between those, octets; 0: there was none. */
  readonly quicPacket: number;
  readonly tcpPacket: number;
}

/** What a link did, and for whom. */
export class FlowLog extends LinkLog {
  #quicFirstAt: Micros = -1;
  #quicLastAt: Micros = -1;
  /** By port of the client: the sequence number that comes next. */
  readonly #nextOf = new Map<number, number>();
  #tcpOctets = 0;
  #tcpAtFirst = 0;
  #tcpAtLast = 0;
  #quicPacket = 0;
  #tcpPacket = 0;

  override delivered(now: Micros, packet: LinkPacket): void {
    super.delivered(now, packet);
    const { bytes } = packet;
    const ip = TUNNEL_OVERHEAD;
    const next = ip + (bytes[ip]! & 0x0f) * 4;
    if (bytes[ip + 9] === TCP) this.#onTcp(bytes, ip, next);
    else if (bytes[ip + 9] === UDP && (bytes[next + UDP_HEADER]! & 0x80) === 0) this.#onQuic(now, bytes.length - ip);
  }

  flows(): Flows {
    return {
      quicFirstAt: this.#quicFirstAt,
      quicLastAt: this.#quicLastAt,
      tcpOctets: this.#tcpAtLast - this.#tcpAtFirst,
      quicPacket: this.#quicPacket,
      tcpPacket: this.#tcpPacket,
    };
  }

  #onQuic(now: Micros, octets: number): void {
    if (this.#quicFirstAt < 0) {
      this.#quicFirstAt = now;
      this.#tcpAtFirst = this.#tcpOctets;
    }
    this.#quicLastAt = now;
    this.#tcpAtLast = this.#tcpOctets;
    this.#quicPacket = Math.max(this.#quicPacket, octets);
  }

  #onTcp(bytes: Uint8Array, ip: number, at: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#quicFirstAt >= 0) this.#tcpPacket = Math.max(this.#tcpPacket, bytes.length - ip);
    const port = view.getUint16(at + 2);
    const end = (view.getUint32(at + 4) + view.getUint16(ip + 2) - (at - ip) - (bytes[at + 12]! >> 4) * 4) >>> 0;
    const grown = (end - (this.#nextOf.get(port) ?? end)) | 0; // sequence numbers begin again after 2^32
    if (grown > 0) this.#tcpOctets += grown;
    if (grown >= 0) this.#nextOf.set(port, end);
  }
}
