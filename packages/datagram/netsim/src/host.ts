import type { DeliveredPacket } from '@quiclab/impair';
import {
  type Address,
  type Datagram,
  ECN_UNSUPPORTED,
  type Machine,
  type Micros,
  NEVER,
  type Outlet,
  sameAddress,
  turn,
} from '@quiclab/sansio';
import { type Agenda, Entry } from './agenda.ts';
import type { Wire } from './wire.ts';

export interface HostOptions<Event> {
  /** Its IP address is the host's; the port is used where a machine leaves its own address open. */
  readonly address: Address;
  readonly machine: Machine<Event>;
  /** Called during a turn. It may call the machine; what follows from that leaves in the same turn. */
  handle(event: Event, now: Micros): void;
  /** Octets of the slot that the machine fills: the largest UDP payload it can send (1,500 unless told). */
  readonly slotSize?: number;
  /** Whether its system lets the machine set and read ECN bits; Node's does not. Default true. */
  readonly ecn?: boolean;
}

/** What a host needs of the world around it. */
export interface Surroundings {
  readonly now: Micros;
  readonly agenda: Agenda;
  /** Takes a datagram to the link that leads to `to`. The octets are copied. */
  send(from: Host, datagram: Datagram, source: Address): void;
  claim(ip: string, host: Host): void;
}

const MOST_IDLE_TURNS = 100;
const MOST_PER_TURN = 1_000_000;

/** One machine and its driver. */
export class Host extends Entry implements Outlet {
  readonly address: Address;
  /** Turns run so far. */
  turns: number;
  /** For the world: IP address of another host → the link that leads there. */
  readonly routes: Map<string, Wire>;
  readonly #world: Surroundings;
  readonly #takeTurn: () => Micros;
  readonly #receive: (now: Micros, datagram: Datagram) => void;
  readonly #slot: Datagram;
  readonly #incoming: Datagram;
  readonly #ecn: boolean;
  #outer: Address | undefined; // behind a NAT: what others see instead of `address`
  #gone: readonly Address[]; // what they saw before
  #turning: boolean;
  #again: boolean;
  #activity: number; // datagrams and events so far, and when the turn began
  #atTurn: number;
  #idleTurns: number;
  #idleSince: Micros;
  #activityThen: number;

  constructor(world: Surroundings, options: HostOptions<unknown>) {
    super();
    const { address, machine, slotSize = 1_500, ecn = true } = options;
    if (!(Number.isInteger(slotSize) && slotSize > 0))
      throw new RangeError(`a slot of ${slotSize} octets: it must be a whole number above 0`);
    this.address = address;
    this.turns = 0;
    this.routes = new Map();
    this.#world = world;
    const handle = (event: unknown): void => {
      this.#activity++;
      options.handle(event, world.now);
    };
    this.#takeTurn = () => turn(machine, world.now, this, handle);
    this.#receive = (now, datagram) => machine.receive(now, datagram);
    this.#slot = { bytes: new Uint8Array(slotSize), length: 0, local: address, remote: NOWHERE, ecn: 0 };
    this.#incoming = { bytes: NOTHING, length: 0, local: address, remote: NOWHERE, ecn: 0 };
    this.#ecn = ecn;
    this.#outer = undefined;
    this.#gone = [];
    this.#turning = false;
    this.#again = false;
    this.#activity = 0;
    this.#atTurn = 0;
    this.#idleTurns = 0;
    this.#idleSince = -1;
    this.#activityThen = 0;
  }

  /** The application has called the machine: run a turn now, or right after the one that is under way. */
  turn(): void {
    if (this.#turning) {
      this.#again = true;
      return;
    }
    this.#turning = true;
    try {
      do {
        this.#again = false;
        this.#turnOnce();
      } while (this.#again);
    } finally {
      this.#turning = false;
    }
  }

  /** Like `turn`, but after whatever is under way: as the next thing of this instant. */
  wake(): void {
    this.#world.agenda.schedule(this, this.#world.now);
  }

  /**
   * A NAT gives the host another address: others see this one from now on, and what they still send to the one before
   * is lost. The machine is told nothing and goes on under `address`.
   */
  rebind(outer: Address): void {
    const before = this.#outer ?? this.address;
    this.#gone = [...this.#gone, before].filter((address) => !sameAddress(address, outer));
    this.#outer = outer;
    this.#world.claim(outer.host, this);
  }

  /** For the world: a datagram has arrived. False: nobody is at its address any more. */
  deliver(now: Micros, packet: DeliveredPacket): boolean {
    let local = packet.to;
    if (this.#outer !== undefined) {
      if (sameAddress(local, this.#outer)) local = this.address;
      else if (this.#gone.some((address) => sameAddress(address, packet.to))) return false;
    }
    const datagram = this.#incoming;
    datagram.bytes = packet.bytes;
    datagram.length = packet.bytes.length;
    datagram.local = local;
    datagram.remote = packet.from;
    datagram.ecn = this.#ecn ? packet.ecn : ECN_UNSUPPORTED;
    this.#activity++;
    this.#receive(now, datagram);
    this.turn();
    return true;
  }

  override happen(_now: Micros): void {
    this.turn();
  }

  // Outlet: one slot is enough, since links copy

  slot(): Datagram {
    const slot = this.#slot;
    slot.length = 0;
    slot.local = this.address;
    slot.ecn = this.#ecn ? 0 : ECN_UNSUPPORTED;
    return slot;
  }

  send(filled: Datagram): void {
    this.#activity++;
    if (!this.#ecn) filled.ecn = ECN_UNSUPPORTED;
    const { local } = filled;
    const open = local.host === '' || sameAddress(local, this.address);
    this.#world.send(this, filled, open ? (this.#outer ?? this.address) : local);
    if (this.#activity - this.#atTurn > MOST_PER_TURN)
      throw new Error(`${this.#name} has sent ${MOST_PER_TURN} datagrams in one turn: it never says that it is done`);
  }

  #turnOnce(): void {
    this.turns++;
    this.#atTurn = this.#activity;
    const deadline = this.#takeTurn();
    const now = this.#world.now;
    if (deadline > now) {
      this.#world.agenda.schedule(this, deadline);
      return;
    }
    if (Number.isNaN(deadline)) throw new Error(`${this.#name} wants to be called at NaN`);
    this.#expectProgress(now, deadline);
    this.#world.agenda.schedule(this, NEVER); // behind whatever else happens now
    this.#world.agenda.schedule(this, now);
  }

  /** A machine that is due again at once, and again, and does nothing, would stop virtual time. */
  #expectProgress(now: Micros, deadline: Micros): void {
    if (this.#idleSince !== now || this.#activity !== this.#activityThen) this.#idleTurns = 0;
    this.#idleSince = now;
    this.#activityThen = this.#activity;
    if (++this.#idleTurns < MOST_IDLE_TURNS) return;
    throw new Error(
      `${this.#name} makes no progress: ${MOST_IDLE_TURNS} turns at ${now} µs sent nothing, told nothing, and each left the deadline ${deadline}`,
    );
  }

  get #name(): string {
    return `host ${this.address.host}:${this.address.port}`;
  }
}

const NOWHERE: Address = { host: '', port: 0 };
const NOTHING = new Uint8Array(0);
