import type { Micros } from './time.ts';

/** Where a datagram comes from or goes to. `host` is a literal IP address, or '' where a wildcard socket cannot tell. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const sameAddress = (a: Address, b: Address): boolean => a === b || (a.port === b.port && a.host === b.host);

/** The two ECN bits of the IP header (RFC 3168 §5): 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
export type Ecn = 0 | 1 | 2 | 3;
/** In place of those bits, where the system lets nobody set or read them. */
export const ECN_UNSUPPORTED = -1;

/** One UDP payload: the first `length` octets of `bytes`, and its addresses as seen by the machine that holds it. */
export interface Datagram {
  bytes: Uint8Array;
  length: number;
  local: Address;
  remote: Address;
  /** Of one that came: its bits. A slot comes with 0, and the machine writes what is to leave; or with ECN_UNSUPPORTED, and nothing comes of what it writes. */
  ecn: Ecn | typeof ECN_UNSUPPORTED;
}

/**
 * Where datagrams leave. No slot: the socket is full, or this turn was long enough; whoever refused calls `turn` again
 * once there is one. `send` takes the slot over: queue it, batch it, segment it. A slot not sent is handed out again.
 */
export interface Outlet {
  slot(): Datagram | undefined;
  send(filled: Datagram): void;
}

/** A protocol as a function of its inputs: octets and time come in; octets, events and one deadline come out. */
export interface Machine<Event> {
  /** The caller owns the datagram; its octets may be overwritten meanwhile (header unmasking, decryption in place). */
  receive(now: Micros, datagram: Datagram): void;
  /** After a turn: > now. What is due but waits for a slot, window or address is state, not a deadline. */
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
  /** Fills `into` and returns true, or returns false when there is nothing to send now. */
  pollTransmit(now: Micros, into: Datagram): boolean;
  pollEvent(): Event | undefined;
}

/**
 * One turn of any driver, real or simulated, after any input. Events are handled before each datagram, so that an application
 * may choose as late as that what goes next. Returns when to come back at the latest.
 */
export function turn<E>(machine: Machine<E>, now: Micros, out: Outlet, handle: (event: E) => void): Micros {
  if (machine.nextTimeout() <= now) machine.onTimeout(now); // timers may fire early: compare, don't trust
  let event = machine.pollEvent();
  for (;;) {
    for (; event !== undefined; event = machine.pollEvent()) handle(event);
    const slot = out.slot();
    const filled = slot !== undefined && machine.pollTransmit(now, slot);
    if (filled) out.send(slot);
    event = machine.pollEvent(); // sending can end something: no event waits for the next datagram
    if (!filled && event === undefined) return machine.nextTimeout();
  }
}
