import type { Connection } from '../connection/connection.ts';
import type { EndpointEvent } from '../events.ts';

/**
 * Which connections have come, have events, or are gone. That one has events is told once, until it was handed out; then
 * again when more has come up, or when some of it was taken and some was not.
 */
export class EndpointEvents {
  #events: EndpointEvent[] = [];
  #head = 0;
  /** Connections whose 'active' was handed out since the queue was last empty. */
  #handedOut: Connection[] = [];

  push(event: EndpointEvent): void {
    this.#events.push(event);
  }

  tellActive(connection: Connection): void {
    if (!connection.hasEvents || connection.activeTold || connection.eventChanges === connection.eventsAtTelling) return;
    connection.activeTold = true;
    this.#events.push({ type: 'active', connection });
  }

  poll(): EndpointEvent | undefined {
    if (this.#head === this.#events.length && this.#handedOut.length > 0) this.#tellRest();
    if (this.#head === this.#events.length) return undefined;
    const event = this.#events[this.#head++]!;
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    }
    if (event.type === 'active') {
      const { connection } = event;
      connection.activeTold = false;
      connection.eventsAtTelling = connection.eventChanges;
      this.#handedOut.push(connection);
    }
    return event;
  }

  /** Whoever took some of a connection's events, and not all, is told again. Whoever took none is not: that would never end. */
  #tellRest(): void {
    const handedOut = this.#handedOut;
    this.#handedOut = [];
    for (const connection of handedOut) this.tellActive(connection);
  }
}
