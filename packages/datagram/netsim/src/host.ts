import type { DeliveredPacket, Protocol } from '@quiclab/impair';
import { type Address, type Datagram, type Micros, sameAddress } from '@quiclab/sansio';
import type { Agenda } from './agenda.ts';
import { Driver, leavesOpen, type MachineOptions, type Surroundings } from './driver.ts';
import type { Wire } from './wire.ts';

export interface HostOptions<Event> extends MachineOptions<Event> {
  /** Its IP address is the host's; the port is used where a machine leaves its own address open. */
  readonly address: Address;
  /** Whether its system lets machines set and read ECN bits; Node's does not. Default true. */
  readonly ecn?: boolean;
}

/** What a host needs of the world around it. */
export interface HostWorld {
  readonly agenda: Agenda;
  /** Takes a datagram to the link that leads to where it goes. The octets are copied. */
  send(from: Host, datagram: Datagram, source: Address, protocol: Protocol): void;
  claim(ip: string, host: Host): void;
}

/** An IP address and what speaks there: one machine over UDP, one over TCP, or both. */
export class Host {
  readonly address: Address;
  /** For the world: IP address of another host → the link that leads there. */
  readonly routes: Map<string, Wire>;
  readonly #world: HostWorld;
  readonly #surroundings: Surroundings;
  #udp: Driver | undefined;
  #tcp: Driver | undefined;
  #outer: Address | undefined; // behind a NAT: what others see instead of `address`
  #gone: readonly Address[]; // what they saw before

  constructor(world: HostWorld, options: HostOptions<unknown>) {
    this.address = options.address;
    this.routes = new Map();
    this.#world = world;
    const host = this;
    this.#surroundings = {
      agenda: world.agenda,
      address: this.address,
      ecn: options.ecn ?? true,
      send(datagram, protocol) {
        world.send(host, datagram, host.#source(datagram.local), protocol);
      },
    };
    this.#udp = undefined;
    this.#tcp = undefined;
    this.#outer = undefined;
    this.#gone = [];
    this.attach(options);
  }

  /** Another machine at this address, over the other protocol: both may use the same port. */
  attach<Event>(options: MachineOptions<Event>): void {
    const { protocol = 'udp' } = options;
    if ((protocol === 'udp' ? this.#udp : this.#tcp) !== undefined)
      throw new Error(`host ${this.address.host} has a machine over ${protocol} already`);
    const driver = new Driver(this.#surroundings, options as MachineOptions<unknown>);
    if (protocol === 'udp') this.#udp = driver;
    else this.#tcp = driver;
  }

  /** Turns that its machines have run so far. */
  get turns(): number {
    return (this.#udp?.turns ?? 0) + (this.#tcp?.turns ?? 0);
  }

  /** The application has called a machine: run a turn now, or right after the one that is under way. */
  turn(): void {
    this.#udp?.turn();
    this.#tcp?.turn();
  }

  /** Like `turn`, but after whatever is under way: as the next thing of this instant. */
  wake(): void {
    const { agenda } = this.#world;
    if (this.#udp !== undefined) agenda.schedule(this.#udp, agenda.now);
    if (this.#tcp !== undefined) agenda.schedule(this.#tcp, agenda.now);
  }

  /**
   * A NAT gives the host another address: others see this one from now on, and what they still send to the one before
   * is lost. The machines are told nothing and go on under `address`.
   */
  rebind(outer: Address): void {
    const before = this.#outer ?? this.address;
    this.#gone = [...this.#gone, before].filter((address) => !sameAddress(address, outer));
    this.#outer = outer;
    this.#world.claim(outer.host, this);
  }

  /** For the world: a datagram has arrived. False: nobody is at its address any more, or speaks its protocol there. */
  deliver(now: Micros, packet: DeliveredPacket): boolean {
    const driver = packet.protocol === 'udp' ? this.#udp : this.#tcp;
    if (driver === undefined) return false;
    let local = packet.to;
    if (this.#outer !== undefined) {
      if (sameAddress(local, this.#outer)) local = this.address;
      else if (this.#gone.some((address) => sameAddress(address, packet.to))) return false;
    }
    driver.deliver(now, packet, local);
    return true;
  }

  #source(local: Address): Address {
    return leavesOpen(local, this.address) ? (this.#outer ?? this.address) : local;
  }
}
