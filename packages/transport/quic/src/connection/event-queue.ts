import type { ConnectionEvent } from '../events.ts';

/** Events for the application, in order. An array with a head index: taking one costs nothing, however many there are. */
export class EventQueue {
  #events: ConnectionEvent[] = [];
  #head = 0;
  /** Changes with every event that is put in or taken out. */
  changes = 0;

  push(event: ConnectionEvent): void {
    this.changes++;
    this.#events.push(event);
  }

  get empty(): boolean {
    return this.#head === this.#events.length;
  }

  poll(): ConnectionEvent | undefined {
    if (this.#head === this.#events.length) return undefined;
    this.changes++;
    const event = this.#events[this.#head++]!;
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    }
    return event;
  }
}
