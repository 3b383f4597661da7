/** Two network namespaces joined by VXLAN, whose packets go through a relay in a third. EXPERIMENTS §2. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Address } from '@quiclab/sansio';
import { attempt, missing, system } from './ip.ts';

const PREFIX = 'quiclab-tunnel';
const PORT = 4789;
const MTU = 1_400;
/** IPv4's and TCP's, without options: what an MSS does not count (RFC 6691). */
const TCP_HEADERS = 40;
/** What the relay sees beyond the IP packet that the ends exchange: VXLAN's header, and Ethernet's. */
export const TUNNEL_OVERHEAD = 8 + 14;

export type End = 'client' | 'server';
export type Place = End | 'relay';
const ENDS: readonly End[] = ['client', 'server'];
const PLACES: readonly Place[] = [...ENDS, 'relay'];

/** Addresses within namespaces of our own: they mean nothing elsewhere. */
const INSIDE: Readonly<Record<End, string>> = { client: '10.77.0.1', server: '10.77.0.2' };
const OUTSIDE: Readonly<Record<End, string>> = { client: '10.78.1.1', server: '10.78.2.1' };
const AT_RELAY: Readonly<Record<End, string>> = { client: '10.78.1.2', server: '10.78.2.2' };
const MAC: Readonly<Record<End, string>> = { client: '02:00:00:00:77:01', server: '02:00:00:00:77:02' };

/** Where the relay listens, where it sends to, and from where. */
export const RELAY = {
  listen: { host: AT_RELAY.client, port: PORT },
  upstream: { host: AT_RELAY.server, port: PORT },
  target: { host: OUTSIDE.server, port: PORT },
} as const satisfies Record<string, Address>;

export const addressOf = (end: End): string => INSIDE[end];

export interface TunnelOptions {
  /** The kernel's TCP at both ends; default 'cubic'. */
  readonly controller?: string;
  /** The largest IP packet of TCP, octets: what both ends announce as MSS is 40 less. Default: what the tunnel's device takes, 1,400. */
  readonly tcpPacket?: number;
}

/** A tunnel, and what runs in it. Whatever ends this process, `close` is called; after a crash, the next tunnel cleans up. */
export class Tunnel {
  readonly #name: string;
  #closed = false;
  readonly #onExit = (): void => this.close();

  /** Throws an Error that says what is missing. */
  constructor({ controller = 'cubic', tcpPacket = MTU }: TunnelOptions = {}) {
    const lacks = missing([controller]);
    if (lacks.length > 0) throw new Error(`no tunnel here; missing:\n${lacks.map((one) => `- ${one}`).join('\n')}`);
    cleanUp();
    this.#name = `${PREFIX}-${process.pid}-${startedAt(process.pid)}`;
    process.once('exit', this.#onExit);
    try {
      this.#build(controller, tcpPacket - TCP_HEADERS);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The words before a command that is to run there, in a session of its own: Ctrl-C is for this process only. It has the process number of what was started. */
  command(place: Place): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(place), 'setsid', 'sh', '-c', GO_FIRST, place];
  }

  /** Ends what still runs in the tunnel, and takes it down. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.removeListener('exit', this.#onExit);
    for (const place of PLACES) remove(this.#namespace(place));
  }

  #namespace(place: Place): string {
    return `${this.#name}-${place}`;
  }

  #build(controller: string, segment: number): void {
    for (const place of PLACES) {
      system('ip', 'netns', 'add', this.#namespace(place));
      // no neighbours are looked for, no routers asked: what crosses the tunnel is what the ends say
      this.#set(place, 'net/ipv6/conf/all/disable_ipv6', 1);
      this.#set(place, 'net/ipv6/conf/default/disable_ipv6', 1);
      system('ip', '-n', this.#namespace(place), 'link', 'set', 'lo', 'up');
    }
    for (const end of ENDS) this.#join(end, controller, segment);
  }

  #join(end: End, controller: string, segment: number): void {
    const here = this.#namespace(end);
    const relay = this.#namespace('relay');
    const other = end === 'client' ? 'server' : 'client';
    const wire = `to-${end}`;
    system('ip', 'link', 'add', 'wire', 'netns', here, 'type', 'veth', 'peer', 'name', wire, 'netns', relay);
    for (const [where, device, address] of [
      [here, 'wire', OUTSIDE[end]],
      [relay, wire, AT_RELAY[end]],
    ] as const) {
      system('ip', '-n', where, 'address', 'add', `${address}/30`, 'dev', device);
      system('ip', '-n', where, 'link', 'set', device, 'up');
      this.#plain(where, device);
    }
    const ends = ['local', OUTSIDE[end], 'remote', AT_RELAY[end], 'dstport', `${PORT}`, 'srcport', `${PORT}`, `${PORT + 1}`];
    system(
      'ip',
      '-n',
      here,
      'link',
      'add',
      'tunnel',
      'address',
      MAC[end],
      'mtu',
      `${MTU}`,
      'type',
      'vxlan',
      'id',
      '77',
      ...ends,
      'nolearning',
    );
    this.#plain(here, 'tunnel');
    system('ip', '-n', here, 'address', 'add', `${INSIDE[end]}/24`, 'dev', 'tunnel');
    system('ip', '-n', here, 'link', 'set', 'tunnel', 'up');
    system('ip', '-n', here, 'neighbour', 'add', INSIDE[other], 'lladdr', MAC[other], 'dev', 'tunnel', 'nud', 'permanent');
    const route = [`${INSIDE[end].replace(/\d+$/, '0')}/24`, 'dev', 'tunnel', 'proto', 'kernel', 'scope', 'link', 'src', INSIDE[end]];
    system('ip', '-n', here, 'route', 'replace', ...route, 'congctl', controller, 'advmss', `${segment}`);
    // what one connection has learnt of the path is not the next one's: runs would not be independent
    this.#set(end, 'net/ipv4/tcp_no_metrics_save', 1);
  }

  /** Checksums where they belong, and packets one at a time: offloading is for devices that have it, and VXLAN over sockets has not. */
  #plain(namespace: string, device: string): void {
    const off = ['tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'];
    system('ip', 'netns', 'exec', namespace, 'ethtool', '-K', device, ...off);
  }

  #set(place: Place, key: string, value: number): void {
    system('ip', 'netns', 'exec', this.#namespace(place), 'sh', '-c', `echo ${value} > /proc/sys/${key}`);
  }
}

/**
 * Before others of this machine, so that its other work is less in what is measured: ends that get their turn milliseconds after a packet
 * has come show in QUIC, whose acknowledgements the kernel does not make. Linux shares the processor between sessions first, where it
 * has autogroups, and only then between their processes. Once they are up, `answering` goes further.
 */
const GO_FIRST = 'echo -20 2> /dev/null > /proc/self/autogroup; exec nice -n -20 "$@"';

/** When a process began, in the kernel's ticks: with its number, a name that does not come again. */
function startedAt(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
}

/** Whether the process that a namespace is called after still runs. */
function owned(name: string): boolean {
  const [, pid, ticks] = new RegExp(`^${PREFIX}-(\\d+)-(\\d+)-(?:${PLACES.join('|')})$`).exec(name) ?? [];
  try {
    return startedAt(Number(pid)) === ticks;
  } catch {
    return false;
  }
}

/** Removes what tunnels left whose process was killed. Those of other processes, and what is called otherwise, stay. */
export function cleanUp(): string[] {
  const left = namespaces().filter((name) => !owned(name));
  for (const name of left) remove(name);
  return left;
}

/** All namespaces that are called as a tunnel's are. */
export function namespaces(): string[] {
  const named = new RegExp(`^${PREFIX}-\\d+-\\d+-(?:${PLACES.join('|')})$`);
  try {
    return readdirSync('/run/netns').filter((name) => named.test(name));
  } catch {
    return []; // there never was one
  }
}

function remove(namespace: string): void {
  for (const pid of attempt('ip', 'netns', 'pids', namespace).split('\n')) {
    if (pid === '') continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {} // it has ended by itself
  }
  attempt('ip', 'netns', 'del', namespace);
}
