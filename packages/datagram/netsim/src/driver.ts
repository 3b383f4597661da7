import type { DeliveredPacket, Protocol } from '@quiclab/impair';
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

export interface MachineOptions<Event> {
  /** What carries its octets; a host has one machine for each. Default 'udp'. */
  readonly protocol?: Protocol;
  readonly machine: Machine<Event>;
  /** Called during a turn. It may call the machine; what follows from that leaves in the same turn. */
  handle(event: Event, now: Micros): void;
  /** Octets of the slot that the machine fills: the largest UDP payload, or TCP segment, that it can send (1,500 unless told). */
  readonly slotSize?: number;
}

/** What a driver needs of its host and of the world around it. */
export interface Surroundings {
  readonly agenda: Agenda;
  readonly address: Address;
  readonly ecn: boolean;
  /** Takes a datagram to the link that leads to where it goes. The octets are copied. */
  send(datagram: Datagram, protocol: Protocol): void;
}

const MOST_IDLE_TURNS = 100;
const MOST_PER_TURN = 1_000_000;

/** Drives one machine of a host, in virtual time. */
export class Driver extends Entry implements Outlet {
  /** Turns run so far. */
  turns: number;
  readonly #host: Surroundings;
  readonly #protocol: Protocol;
  readonly #takeTurn: () => Micros;
  readonly #receive: (now: Micros, datagram: Datagram) => void;
  readonly #slot: Datagram;
  readonly #incoming: Datagram;
  #turning: boolean;
  #again: boolean;
  #activity: number; // datagrams and events so far, and when the turn began
  #atTurn: number;
  #idleTurns: number;
  #idleSince: Micros;
  #activityThen: number;

  constructor(host: Surroundings, options: MachineOptions<unknown>) {
    super();
    const { protocol = 'udp', machine, slotSize = 1_500 } = options;
    const { agenda, address } = host;
    if (!(Number.isInteger(slotSize) && slotSize > 0))
      throw new RangeError(`a slot of ${slotSize} octets: it must be a whole number above 0`);
    this.turns = 0;
    this.#host = host;
    this.#protocol = protocol;
    const handle = (event: unknown): void => {
      this.#activity++;
      options.handle(event, agenda.now);
    };
    this.#takeTurn = () => turn(machine, agenda.now, this, handle);
    this.#receive = (now, datagram) => machine.receive(now, datagram);
    this.#slot = { bytes: new Uint8Array(slotSize), length: 0, local: address, remote: NOWHERE, ecn: 0 };
    this.#incoming = { bytes: NOTHING, length: 0, local: address, remote: NOWHERE, ecn: 0 };
    this.#turning = false;
    this.#again = false;
    this.#activity = 0;
    this.#atTurn = 0;
    this.#idleTurns = 0;
    this.#idleSince = -1;
    this.#activityThen = 0;
  }

  /** Runs a turn now, or right after the one that is under way. */
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

  /** @param local  where it came to, as the machine knows it */
  deliver(now: Micros, packet: DeliveredPacket, local: Address): void {
    const datagram = this.#incoming;
    datagram.bytes = packet.bytes;
    datagram.length = packet.bytes.length;
    datagram.local = local;
    datagram.remote = packet.from;
    datagram.ecn = this.#host.ecn ? packet.ecn : ECN_UNSUPPORTED;
    this.#activity++;
    this.#receive(now, datagram);
    this.turn();
  }

  override happen(_now: Micros): void {
    this.turn();
  }

  // Outlet: one slot is enough, since links copy

  slot(): Datagram {
    const slot = this.#slot;
    slot.length = 0;
    slot.local = this.#host.address;
    slot.ecn = this.#host.ecn ? 0 : ECN_UNSUPPORTED;
    return slot;
  }

  send(filled: Datagram): void {
    this.#activity++;
    if (!this.#host.ecn) filled.ecn = ECN_UNSUPPORTED;
    this.#host.send(filled, this.#protocol);
    if (this.#activity - this.#atTurn > MOST_PER_TURN)
      throw new Error(`${this.#name} has sent ${MOST_PER_TURN} datagrams in one turn: it never says that it is done`);
  }

  #turnOnce(): void {
    this.turns++;
    this.#atTurn = this.#activity;
    const deadline = this.#takeTurn();
    const { agenda } = this.#host;
    const { now } = agenda;
    if (deadline > now) {
      agenda.schedule(this, deadline);
      return;
    }
    if (Number.isNaN(deadline)) throw new Error(`${this.#name} wants to be called at NaN`);
    this.#expectProgress(now, deadline);
    agenda.schedule(this, NEVER); // behind whatever else happens now
    agenda.schedule(this, now);
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
    const { host, port } = this.#host.address;
    return `host ${host}:${port}`;
  }
}

/** Whether a machine has left it open where it sends from, or has named its host's own address. */
export const leavesOpen = (local: Address, own: Address): boolean => local.host === '' || sameAddress(local, own);

const NOWHERE: Address = { host: '', port: 0 };
const NOTHING = new Uint8Array(0);
