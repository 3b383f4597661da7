import {
  type Address,
  type Clock,
  type Datagram,
  ECN_UNSUPPORTED,
  type Machine,
  type Micros,
  NEVER,
  sameAddress,
  turn,
} from '@quiclab/sansio';
import type { Logger } from 'pino';
import { SlotPool } from './slots.ts';
import type { DatagramSocket, OnMessage } from './socket.ts';

export interface DriveOptions<E> {
  readonly clock: Clock;
  /** Called inside a turn, for each event. It may call the machine: what that has to say leaves in the same turn. */
  handle(event: E): void;
  /** The machine or `handle` threw: a fault in the program. Nothing is driven any more; what was open should be closed. */
  onError(error: Error): void;
  /** A pino logger. Nothing is logged without it. */
  readonly logger?: Logger;
  /** Datagrams that may be with the kernel at once; default 128. */
  readonly slots?: number;
  /** The longest datagram that the machine can send, in octets; default 1500. */
  readonly slotSize?: number;
  /** Default 64: about 0.3 ms of sending, after which the socket is read again. */
  readonly datagramsPerTurn?: number;
  /** A deadline this near is waited for by turning round the event loop, a later one by a timer. In µs, default 250. */
  readonly spinWithin?: Micros;
}

/** Live counts of what a driver did. */
export interface DriverCounters {
  turns: number;
  datagramsReceived: number;
  octetsReceived: number;
  datagramsSent: number;
  octetsSent: number;
  /** Datagrams that the system refused, by its code ('EMSGSIZE', 'ENETUNREACH'): to the machine they are losses. */
  readonly sendErrors: Readonly<Record<string, number>>;
  readonly receiveErrors: Readonly<Record<string, number>>;
}

export interface Driver {
  /** The machine was called from outside and may have something to say: a turn follows in this round of the event loop. Any number of calls, one turn. */
  wake(): void;
  /** A turn before this returns; inside a turn, nothing. */
  turnNow(): void;
  counters(): DriverCounters;
  /**
   * A further socket, the driver's from here on: what comes there goes into the machine with its address as `local`, and what the
   * machine sends from that address leaves there. For a machine that has several addresses, or moves to another.
   */
  add(socket: DatagramSocket): void;
  /** Lets what was sent leave, then closes the socket. The machine is not asked again. */
  close(): Promise<void>;
  /** Whether the socket and the timers keep the process running; they do at first. */
  ref(): void;
  unref(): void;
}

/**
 * Drives a machine with a socket, Node's timers and a clock. The socket is the driver's from here on.
 *
 * Received datagrams go into the machine as they come; one turn follows for all that one poll of the system delivered.
 * Node's timers know whole milliseconds and may fire a little early or late, so a deadline is reached in up to three
 * steps: a timer to the last millisecond, one of 1 ms, and within `spinWithin` rounds of the event loop without sleep. The
 * default spins only for what a pacer at 40 Mbit/s and more asks for; below that, the millisecond that a timer is late
 * fits into the pacer's burst.
 */
export function drive<E>(machine: Machine<E>, socket: DatagramSocket, options: DriveOptions<E>): Driver {
  return new SocketDriver(machine, socket, options);
}

const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

class SocketDriver<E> implements Driver {
  readonly #machine: Machine<E>;
  readonly #socket: DatagramSocket;
  readonly #further: DatagramSocket[] = [];
  readonly #clock: Clock;
  readonly #handle: (event: E) => void;
  readonly #onError: (error: Error) => void;
  readonly #logger: Logger | undefined;
  readonly #spinWithin: Micros;
  readonly #outlet: SlotPool;
  readonly #incoming: Datagram;
  #lastRemote: Address = { host: '', port: 0 };

  #turnWanted = false;
  #inTurn = false;
  #stopped = false;
  #deadline: Micros = NEVER;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #timerAt: Micros = NEVER;
  #referenced = true;

  #turns = 0;
  #datagramsReceived = 0;
  #octetsReceived = 0;
  readonly #sendErrors: Record<string, number> = {};
  readonly #receiveErrors: Record<string, number> = {};
  #closed: Promise<void> | undefined = undefined;
  #onIdle: () => void = () => {};

  constructor(machine: Machine<E>, socket: DatagramSocket, options: DriveOptions<E>) {
    this.#machine = machine;
    this.#socket = socket;
    this.#clock = options.clock;
    this.#handle = (event) => options.handle(event);
    this.#onError = (error) => options.onError(error);
    this.#logger = options.logger;
    this.#spinWithin = options.spinWithin ?? 250;
    const limits = { slots: options.slots ?? 128, slotSize: options.slotSize ?? 1500, datagramsPerTurn: options.datagramsPerTurn ?? 64 };
    this.#outlet = new SlotPool(
      (local) => this.#socketOf(local),
      socket.local,
      socket.ecn === 'supported' ? 0 : ECN_UNSUPPORTED,
      limits,
      () => this.#slotFree(),
      (error, datagram) => this.#sendFailed(error, datagram),
    );
    this.#incoming = { bytes: new Uint8Array(0), length: 0, local: socket.local, remote: this.#lastRemote, ecn: ECN_UNSUPPORTED };
    this.#listen(socket);
    this.#logger?.debug({ local: socket.address() }, 'driving');
    this.wake(); // the machine may have had something to say before
  }

  wake(): void {
    if (this.#inTurn || this.#stopped) return; // inside a turn, sending follows the event anyway
    this.#turnWanted = true;
    this.#comeBackSoon();
  }

  turnNow(): void {
    if (this.#inTurn || this.#stopped) return;
    this.#takeTurn();
  }

  add(socket: DatagramSocket): void {
    this.#further.push(socket);
    this.#listen(socket);
    if (!this.#referenced) socket.unref();
  }

  #listen(socket: DatagramSocket): void {
    const { local } = socket;
    socket.listen(
      (octets, remote, ecn) => this.#received(octets, remote, ecn, local),
      (error) => this.#count(this.#receiveErrors, error, 'receive'),
    );
  }

  /** The socket bound to an address; the first one where the machine leaves that open. */
  #socketOf(local: Address): DatagramSocket {
    if (this.#further.length === 0 || local === this.#socket.local) return this.#socket;
    return this.#further.find((socket) => sameAddress(socket.local, local)) ?? this.#socket;
  }

  counters(): DriverCounters {
    return {
      turns: this.#turns,
      datagramsReceived: this.#datagramsReceived,
      octetsReceived: this.#octetsReceived,
      datagramsSent: this.#outlet.datagramsSent,
      octetsSent: this.#outlet.octetsSent,
      sendErrors: this.#sendErrors,
      receiveErrors: this.#receiveErrors,
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stop();
    await undefined; // a handler may close in the middle of a turn, which still sends
    if (this.#outlet.outstanding > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await Promise.all([this.#socket, ...this.#further].map((socket) => socket.close()));
    this.#logger?.debug({ local: this.#socket.address(), ...this.counters() }, 'closed');
  }

  ref(): void {
    this.#setReferenced(true);
  }

  unref(): void {
    this.#setReferenced(false);
  }

  // --- in -------------------------------------------------------------------------------------------------------------

  #received(octets: Uint8Array, remote: Parameters<OnMessage>[1], ecn: Datagram['ecn'], local: Address): void {
    if (this.#stopped) return;
    const incoming = this.#incoming;
    // a plain Uint8Array: a Buffer's slice() is a view where every machine expects a copy
    incoming.bytes = new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
    incoming.length = octets.length;
    incoming.local = local;
    incoming.ecn = ecn;
    if (remote.port !== this.#lastRemote.port || remote.address !== this.#lastRemote.host)
      this.#lastRemote = { host: remote.address, port: remote.port };
    incoming.remote = this.#lastRemote; // the same object while the sender is the same: sameAddress then compares pointers
    this.#datagramsReceived++;
    this.#octetsReceived += octets.length;
    try {
      this.#machine.receive(this.#clock.now(), incoming);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#turnWanted = true;
    this.#comeBackSoon(); // immediates run when this poll has delivered all it had
  }

  // --- turns ----------------------------------------------------------------------------------------------------------

  #takeTurn(): void {
    this.#turnWanted = false;
    this.#turns++;
    this.#outlet.beginTurn();
    const now = this.#clock.now();
    this.#inTurn = true;
    try {
      this.#deadline = turn(this.#machine, now, this.#outlet, this.#handle);
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#inTurn = false;
    }
    if (this.#stopped) return; // closed by a handler
    if (this.#outlet.refusal === 'turn') this.wake(); // what 'full' refused goes on in #slotFree
    this.#arm(now);
  }

  #slotFree(): void {
    if (this.#stopped) {
      if (this.#outlet.outstanding === 0) this.#onIdle();
    } else if (this.#outlet.refusal === 'full') this.wake();
  }

  /** Sees to it that something happens by the deadline. */
  #arm(now: Micros): void {
    const wait = this.#deadline - now;
    if (wait <= this.#spinWithin) {
      this.#comeBackSoon();
      return;
    }
    // A timer that fires before the deadline is left alone: deadlines move back with every datagram, and it is set again when it fires.
    if (this.#timerAt <= this.#deadline && this.#deadline !== NEVER) return;
    this.#clearTimer();
    if (this.#deadline === NEVER) return;
    const milliseconds = Math.min(Math.max(Math.floor(wait / 1000), 1), LONGEST_TIMEOUT_MS);
    this.#timerAt = now + milliseconds * 1000;
    this.#timer = setTimeout(this.#onTimer, milliseconds);
    if (!this.#referenced) this.#timer.unref();
  }

  #comeBackSoon(): void {
    if (this.#immediate !== undefined) return;
    this.#immediate = setImmediate(this.#onImmediate);
    if (!this.#referenced) this.#immediate.unref();
  }

  readonly #onImmediate = (): void => {
    this.#immediate = undefined;
    this.#turnIfDue();
  };

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAt = NEVER;
    this.#turnIfDue();
  };

  #turnIfDue(): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    if (this.#turnWanted || now >= this.#deadline) this.#takeTurn();
    else this.#arm(now);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = NEVER;
  }

  // --- ends -----------------------------------------------------------------------------------------------------------

  #stop(): void {
    this.#stopped = true;
    this.#clearTimer();
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  #fail(cause: unknown): void {
    this.#stop();
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#logger?.error({ err: error }, 'the machine or its handler threw: driving ends');
    this.#onError(error);
  }

  #sendFailed(error: Error, datagram: Datagram): void {
    this.#count(this.#sendErrors, error, 'send', { remote: datagram.remote, length: datagram.length });
  }

  /** Each kind is a warning once; a network that is down must not fill a disk. */
  #count(counts: Record<string, number>, error: Error, doing: 'send' | 'receive', facts: object = {}): void {
    const code = (error as NodeJS.ErrnoException).code ?? error.name;
    counts[code] = (counts[code] ?? 0) + 1;
    const log = { code, times: counts[code], ...facts };
    if (counts[code] === 1) this.#logger?.warn(log, `${doing} failed: ${error.message}`);
    else this.#logger?.trace(log, `${doing} failed`);
  }

  #setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const held of [this.#socket, ...this.#further, this.#timer, this.#immediate]) {
      if (referenced) held?.ref();
      else held?.unref();
    }
  }
}
