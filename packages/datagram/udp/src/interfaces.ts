import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Address } from '@quiclab/sansio';

/** Where nobody says what the interface carries: 1,500 octets, of which IPv6 and UDP take 48. */
const USUAL = 1452;
/** The most that UDP carries over IPv4. */
const MOST = 65_507;
/** The least that QUIC needs (RFC 9000 §14): an interface that carries less is of no use anyway. */
const LEAST = 1200;

/** An address of this machine. */
interface Owned {
  readonly host: string;
  readonly internal: boolean;
  /** Of the whole IP packet; 0 where it is not known. */
  readonly mtu: number;
}

/** The addresses of this machine and the MTUs of their interfaces, as they are now: what a socket can send in one piece. */
export class Interfaces {
  readonly #owned: readonly Owned[];

  /** @param mtuOf  the MTU of an interface by its name; 0 where it is not known. Default: what Linux says in /sys/class/net */
  constructor(found: ReturnType<typeof networkInterfaces> = networkInterfaces(), mtuOf: (name: string) => number = systemMtu) {
    this.#owned = Object.entries(found).flatMap(([name, addresses = []]) => {
      const mtu = mtuOf(name);
      return addresses.map(({ address, internal }) => ({ host: address, internal, mtu }));
    });
  }

  /**
   * Octets of the largest UDP payload that leaves `local` in one piece. Node's sockets let the kernel fragment what is larger, and
   * so a larger probe of the path MTU would arrive, and mean nothing (RFC 9000 §14).
   * @param local  its `host` is '' on a wildcard socket: then the least of all interfaces that may lead to `remote`
   */
  largestDatagram(local: Address, remote: Address): number {
    const headers = isIPv6(local.host) || isIPv6(remote.host) ? 48 : 28;
    const least = Math.min(...this.#candidates(local, remote).map(({ mtu }) => (mtu === 0 ? USUAL : mtu - headers)));
    if (least === Number.POSITIVE_INFINITY) return USUAL;
    return Math.max(LEAST, Math.min(least, MOST));
  }

  /** The largest that any interface takes, its own included. */
  get largestOfAll(): number {
    return Math.max(USUAL, ...this.#owned.map(({ host, mtu }) => Math.min(mtu - (isIPv6(host) ? 48 : 28), MOST)));
  }

  #candidates(local: Address, remote: Address): readonly Owned[] {
    if (local.host !== '') return this.#owned.filter(({ host }) => host === withoutZone(local.host));
    const toItself = isLoopback(remote.host);
    return this.#owned.filter(({ internal }) => internal === toItself);
  }
}

const withoutZone = (host: string): string => host.replace(/%.*/, '');
const isLoopback = (host: string): boolean => host === '::1' || /^(::ffff:)?127\./i.test(host);

function systemMtu(name: string): number {
  try {
    return Number.parseInt(readFileSync(`/sys/class/net/${name.replace(/:.*/, '')}/mtu`, 'latin1'), 10) || 0; // 'eth0:1' is eth0
  } catch {
    return 0; // no Linux, or no such place
  }
}
