import type { MappedKind } from '@quiclab/http-semantics';
import type { Http2Observer } from '@quiclab/http2';
import { carrierOf, type Direction, EVERY_MESSAGE, FrameKind, Gate, REQUEST, RESPONSE, type RunLog } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';

const KINDS: Readonly<Record<MappedKind, number>> = {
  headers: FrameKind.HEADERS,
  data: FrameKind.DATA,
  trailers: FrameKind.TRAILERS,
  end: FrameKind.OTHER,
  reset: FrameKind.OTHER,
  table: FrameKind.TABLE,
  other: FrameKind.OTHER,
};

/** One end of an HTTP connection, whatever version it speaks: where it lays out the octets of which exchange. */
export class FrameLog implements Http2Observer {
  readonly #log: RunLog;
  readonly #connection: number;
  readonly #sends: Direction;
  readonly #receives: Direction;
  readonly #clock: () => Micros;

  /** @param clock  frames are told without a time */
  constructor(log: RunLog, connection: number, side: 'client' | 'server', clock: () => Micros) {
    this.#log = log;
    this.#connection = connection;
    this.#sends = side === 'client' ? REQUEST : RESPONSE;
    this.#receives = side === 'client' ? RESPONSE : REQUEST;
    this.#clock = clock;
  }

  frameMapped(
    direction: 'sent' | 'received',
    exchange: number,
    stream: number,
    offset: number,
    length: number,
    headerLength: number,
    kind: MappedKind,
  ): void {
    if (direction === 'received' || (exchange < 0 && kind !== 'table')) return;
    const carrier = carrierOf(this.#connection, stream, this.#sends);
    this.#log.frame(this.#clock(), carrier, exchange, offset, length, headerLength, KINDS[kind]);
  }

  fieldsUnblocked(_exchange: number, stream: number, offset: number): void {
    this.#log.unblocked(this.#clock(), carrierOf(this.#connection, stream, this.#receives), offset);
  }

  creditChanged(exchange: number, usedUp: boolean): void {
    const gate = exchange < 0 ? Gate.CONNECTION_CREDIT : Gate.STREAM_CREDIT;
    this.#log.contentRefused(this.#clock(), this.#connection, exchange < 0 ? EVERY_MESSAGE : exchange, this.#sends, usedUp ? gate : 0);
  }
}
