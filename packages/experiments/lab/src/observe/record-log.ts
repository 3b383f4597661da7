import { carrierOf, REQUEST, RESPONSE, type RunLog } from '@quiclab/ledger';
import { type Direction, RecordObserver } from '@quiclab/tls/record';

/** Content type, version and length: RFC 9846 §5.1. */
const HEADER_LENGTH = 5;

/** Told the secrets of connections, as key logs have them. */
export type Secrets = (...secret: Parameters<RecordObserver['secret']>) => void;

/** One end of TLS over TCP, as the run's log wants it: where in the stream below the octets of the stream above lie. */
export class RecordLog extends RecordObserver {
  readonly #log: RunLog;
  readonly #carrier: number;
  readonly #secrets: Secrets | undefined;

  /** @param secrets  told what a key log has */
  constructor(log: RunLog, connection: number, side: 'client' | 'server', secrets?: Secrets) {
    super();
    this.#secrets = secrets;
    this.#log = log;
    this.#carrier = carrierOf(connection, 0, side === 'client' ? REQUEST : RESPONSE);
  }

  override recordMapped(direction: Direction, plainOffset: number, plainLength: number, offset: number, length: number): void {
    if (direction === 'sent') this.#log.record(this.#carrier, offset, length, HEADER_LENGTH, plainOffset, plainLength);
  }

  override secret(...secret: Parameters<RecordObserver['secret']>): void {
    this.#secrets?.(...secret);
  }
}
