import { EventQueue as Fifo } from '@quiclab/sansio';
import type { Connection } from '../connection/connection.ts';
import type { EndpointEvent } from '../events.ts';

/**
 * Which connections have come, have events, or are gone. That one has events is told once, until it was handed out; then
 * again when more has come up, or when some of it was taken and some was not.
 */
export class EndpointEvents {
  readonly #events = new Fifo<EndpointEvent>();
  /** Connections whose 'active' was handed out since the queue was last empty. */
  readonly #handedOut = new Fifo<Connection>();

  push(event: EndpointEvent): void {
    this.#events.push(event);
  }

  tellActive(connection: Connection): void {
    if (!connection.hasEvents || connection.activeTold || connection.eventChanges === connection.eventsAtTelling) return;
    connection.activeTold = true;
    this.#events.push({ type: 'active', connection });
  }

  poll(): EndpointEvent | undefined {
    if (this.#events.length === 0 && this.#handedOut.length > 0) this.#tellRest();
    const event = this.#events.shift();
    if (event?.type === 'active') {
      const { connection } = event;
      connection.activeTold = false;
      connection.eventsAtTelling = connection.eventChanges;
      this.#handedOut.push(connection);
    }
    return event;
  }

  /** Whoever took some of a connection's events, and not all, is told again. Whoever took none is not: that would never end. */
  #tellRest(): void {
    for (let connection = this.#handedOut.shift(); connection !== undefined; connection = this.#handedOut.shift())
      this.tellActive(connection);
  }
}
