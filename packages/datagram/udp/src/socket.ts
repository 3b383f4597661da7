import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { type Address, type Datagram, ECN_UNSUPPORTED, type Ecn } from '@quiclab/sansio';
import { Interfaces } from './interfaces.ts';

export interface UdpSocketOptions {
  /** A literal IPv4 or IPv6 address; '0.0.0.0' and '::' listen on all interfaces. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Octets asked of the kernel, which may give less (net.core.rmem_max). Default 4 MiB: each full datagram counts 2,304, and a sender may have 2 MiB in flight. */
  readonly receiveBufferSize?: number;
  /** Octets asked of the kernel. Default: what the kernel gives. */
  readonly sendBufferSize?: number;
}

const RECEIVE_BUFFER_SIZE = 4 << 20;

/** Hosts are literal addresses here. Node would have each datagram wait for its resolver, which for those says the same, a tick later. */
function literal(host: string, _options: unknown, found: (error: Error | null, address: string, family: number) => void): void {
  found(null, host, isIP(host));
}

/** What a slot needs of a socket; `bytes` is handed to the kernel after `send` returns and must not change until `sent` is called. */
export interface DatagramSender {
  /** @param ecn  the bits that it leaves with; 0 where the socket has said that it cannot set any */
  send(bytes: Uint8Array, length: number, remote: Address, ecn: Ecn, sent: (error: Error | null) => void): void;
}

/** What a driver needs of a socket: Node's is `UdpSocket`, and an adapter that calls the system itself can be another. */
export interface DatagramSocket extends DatagramSender {
  /** The address as a machine sees it: `host` is '' on a wildcard socket, which cannot tell where a datagram was sent to. */
  readonly local: Address;
  /** Whether the ECN bits of what leaves can be set, and those of what comes be read (RFC 3168 §5). */
  readonly ecn: 'supported' | 'unsupported';
  /** What the system says it is bound to. */
  address(): Address;
  /**
   * One consumer at a time. `octets` are its own; errors are of the socket as a whole, and it goes on.
   * @param onMessage  told the ECN bits that a datagram came with; ECN_UNSUPPORTED where they cannot be read
   */
  listen(onMessage: OnMessage, onError: (error: Error) => void): void;
  ref(): void;
  unref(): void;
  /** Resolves once the port is free. May be called again. */
  close(): Promise<void>;
}

export type OnMessage = (octets: Uint8Array, remote: Pick<RemoteInfo, 'address' | 'port'>, ecn: Datagram['ecn']) => void;

/** A bound UDP socket of Node's. Belongs to whoever bound it, until it is given to `drive`. */
export class UdpSocket implements DatagramSocket {
  readonly #socket: Socket;
  readonly #address: Address;
  #closed: Promise<void> | undefined = undefined;
  readonly local: Address;
  /** `dgram` has no call that sets IP_TOS, and hands no control messages over. */
  readonly ecn = 'unsupported';
  /** As they were when it was bound: MTUs seldom change. */
  readonly #interfaces = new Interfaces();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.#address = { host: address, port };
    this.local = address === '0.0.0.0' || address === '::' ? { host: '', port } : this.#address;
  }

  /** Rejects when the address cannot be bound, with the system's error; throws a TypeError for what is no literal address or port. */
  static async bind(options: UdpSocketOptions): Promise<UdpSocket> {
    const family = isIP(options.host);
    if (family === 0) throw new TypeError(`udp: '${options.host}' is not a literal IPv4 or IPv6 address`);
    if (!Number.isInteger(options.port) || options.port < 0 || options.port > 0xffff)
      throw new TypeError(`udp: port ${options.port} is not in 0..65535`);
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup: literal });
    const listening = once(socket, 'listening'); // asked first: nothing is left to wait for when `bind` returns
    socket.bind({ address: options.host, port: options.port, exclusive: true });
    try {
      await listening;
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.setRecvBufferSize(options.receiveBufferSize ?? RECEIVE_BUFFER_SIZE);
    if (options.sendBufferSize !== undefined) socket.setSendBufferSize(options.sendBufferSize);
    return new UdpSocket(socket);
  }

  address(): Address {
    return this.#address;
  }

  /**
   * Octets of the largest UDP payload that leaves in one piece, by the MTU of the interface that `local` belongs to; 1,452 where
   * that is not known. Larger ones leave, too: the kernel fragments them.
   * @param local  an address of this socket, or with an open `host`, the one that it is bound to
   */
  largestDatagram(local: Address, remote: Address): number {
    return this.#interfaces.largestDatagram(local.host === '' ? this.local : local, remote);
  }

  /** What `largestDatagram` says at most, whatever the other end: what a driver's slots should hold for a machine that looks for it. */
  get largestSlot(): number {
    const { host } = this.local;
    return host === '' ? this.#interfaces.largestOfAll : this.#interfaces.largestDatagram(this.local, this.local);
  }

  send(bytes: Uint8Array, length: number, remote: Address, _ecn: Ecn, sent: (error: Error | null) => void): void {
    this.#socket.send(bytes, 0, length, remote.port, remote.host, sent);
  }

  listen(onMessage: OnMessage, onError: (error: Error) => void): void {
    this.#socket.removeAllListeners('message').removeAllListeners('error');
    this.#socket.on('message', (octets, remote) => onMessage(octets, remote, ECN_UNSUPPORTED)).on('error', onError);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  async close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#socket.removeAllListeners('message').close(() => resolve());
    });
    return this.#closed;
  }
}
