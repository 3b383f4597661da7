import { carrierOf, REQUEST, RESPONSE, type RunLog } from '@quiclab/ledger';
import { type Direction, RecordObserver } from '@quiclab/tls/record';

/** Content type, version and length: RFC 9846 §5.1. */
const HEADER_LENGTH = 5;

/** One end of TLS over TCP, as the run's log wants it: where in the stream below the octets of the stream above lie. */
export class RecordLog extends RecordObserver {
  readonly #log: RunLog;
  readonly #carrier: number;

  constructor(log: RunLog, connection: number, side: 'client' | 'server') {
    super();
    this.#log = log;
    this.#carrier = carrierOf(connection, 0, side === 'client' ? REQUEST : RESPONSE);
  }

  override recordMapped(direction: Direction, plainOffset: number, plainLength: number, offset: number, length: number): void {
    if (direction === 'sent') this.#log.record(this.#carrier, offset, length, HEADER_LENGTH, plainOffset, plainLength);
  }
}
