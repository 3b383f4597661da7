import { type ByteStreamEvent, type Clock, type Micros, NEVER } from '@quiclab/sansio';
import type { Logger } from 'pino';
import type { SocketStream } from './stream.ts';

/** What a driver needs of a machine that speaks over a byte stream. */
export interface StreamMachine<E> {
  onTransport(now: Micros, event: ByteStreamEvent): void;
  pollEvent(): E | undefined;
  /** Where the machine waits for something: until when, and what to call then. */
  nextTimeout?(): Micros;
  onTimeout?(now: Micros): void;
}

export interface DriveOptions<E> {
  /** Default: the process's monotonic clock, counted from the Unix epoch. */
  readonly clock?: Clock;
  /** Called inside a turn, for each event. It may call the machine. */
  handle(event: E): void;
  /** The stream is over, and the machine has been told and asked for the last time. */
  onClosed?(clean: boolean, reason: string): void;
  /** The machine or `handle` threw: a fault in the program. The stream is given up, and nothing is driven any more. */
  onError(error: Error): void;
  /** For how long a peer that takes nothing of what is written is waited for, in ms. Then the stream is given up. Default 300,000; Infinity: for ever. */
  readonly stallTimeoutMs?: number;
  readonly logger?: Logger;
}

export interface StreamDriver {
  /** The machine was called from outside: a turn follows in this round of the event loop. Any number of calls, one turn. */
  wake(): void;
  /** A turn before this returns; inside a turn, nothing. */
  turnNow(): void;
}

/** Whole microseconds since the Unix epoch, read from the monotonic clock of this process. */
export const processClock: Clock = { now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000) };

const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

/** Drives a machine with a stream's events, Node's timers and a clock. The machine has the stream already, and writes to it by itself. */
export function driveStream<E>(machine: StreamMachine<E>, stream: SocketStream, options: DriveOptions<E>): StreamDriver {
  return new MachineDriver(machine, stream, options);
}

class MachineDriver<E> implements StreamDriver {
  readonly #machine: StreamMachine<E>;
  readonly #stream: SocketStream;
  readonly #options: DriveOptions<E>;
  readonly #clock: Clock;
  readonly #stallTimeout: Micros;
  #inTurn = false;
  #wanted = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #timerAt: Micros = NEVER;
  /** Octets unsent when it was last looked, and by when there have to be fewer. */
  #sentBefore = -1;
  #stallDue: Micros = NEVER;

  constructor(machine: StreamMachine<E>, stream: SocketStream, options: DriveOptions<E>) {
    this.#machine = machine;
    this.#stream = stream;
    this.#options = options;
    this.#clock = options.clock ?? processClock;
    this.#stallTimeout = (options.stallTimeoutMs ?? 300_000) * 1000;
    stream.listen((event) => this.#onStream(event));
    this.wake(); // the machine may have had something to say before
  }

  wake(): void {
    if (this.#inTurn || this.#wanted || this.#stopped) return;
    this.#wanted = true;
    queueMicrotask(() => {
      if (this.#wanted) this.turnNow();
    });
  }

  turnNow(): void {
    if (this.#inTurn || this.#stopped) return;
    this.#turn(undefined);
  }

  #onStream(event: ByteStreamEvent): void {
    if (!this.#stopped) this.#turn(event);
  }

  #turn(event: ByteStreamEvent | undefined): void {
    const { handle, onClosed, logger } = this.#options;
    const now = this.#clock.now();
    this.#wanted = false;
    this.#inTurn = true;
    try {
      if (event !== undefined) this.#machine.onTransport(now, event);
      if (this.#machine.nextTimeout !== undefined && this.#machine.nextTimeout() <= now) this.#machine.onTimeout?.(now);
      for (let told = this.#machine.pollEvent(); told !== undefined; told = this.#machine.pollEvent()) handle(told);
    } catch (cause) {
      this.#fail(cause instanceof Error ? cause : new Error(String(cause)));
      return;
    } finally {
      this.#inTurn = false;
    }
    if (event?.type === 'closed') {
      this.#stop();
      logger?.debug({ remote: this.#stream.remote, clean: event.clean, reason: event.reason }, 'closed');
      onClosed?.(event.clean, event.reason);
    } else this.#arm(now);
  }

  // --- time -------------------------------------------------------------------------------------------------------------

  #arm(now: Micros): void {
    const deadline = Math.min(this.#machine.nextTimeout?.() ?? NEVER, this.#watchStall(now));
    // one that fires before the deadline is left alone: deadlines move back with every octet, and it is set again when it fires
    if (this.#timerAt <= deadline && deadline !== NEVER) return;
    this.#clearTimer();
    if (deadline === NEVER) return;
    const milliseconds = Math.min(Math.max(Math.ceil((deadline - now) / 1000), 1), LONGEST_TIMEOUT_MS);
    this.#timerAt = now + milliseconds * 1000;
    this.#timer = setTimeout(this.#onTimer, milliseconds).unref(); // the socket keeps the process running, or does not
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAt = NEVER;
    if (this.#stopped) return;
    if (this.#watchStall(this.#clock.now()) <= this.#clock.now()) {
      this.#stream.abort(this.#clock.now(), `the peer took nothing for ${this.#stallTimeout / 1000} ms`);
      return; // 'closed' follows
    }
    this.turnNow();
  };

  /** By when something of what is written has to have left. */
  #watchStall(now: Micros): Micros {
    const { unacknowledged, bytesWritten } = this.#stream;
    const sent = bytesWritten - unacknowledged;
    if (unacknowledged === 0) this.#stallDue = NEVER;
    else if (sent !== this.#sentBefore || this.#stallDue === NEVER) this.#stallDue = now + this.#stallTimeout;
    this.#sentBefore = sent;
    return this.#stallDue;
  }

  // --- ends -------------------------------------------------------------------------------------------------------------

  #stop(): void {
    this.#stopped = true;
    this.#clearTimer();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = NEVER;
  }

  #fail(error: Error): void {
    this.#stop();
    this.#stream.abort(this.#clock.now(), 'an error of this program');
    this.#options.logger?.error(
      { err: error, remote: this.#stream.remote },
      'the machine or its handler threw: the connection is given up',
    );
    this.#options.onError(error);
  }
}
