import { toHex } from '@quiclab/bytes';
import type { FrameObserver, MappedKind } from '@quiclab/http-semantics';
import { Observer, type PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import { FrameType } from '@quiclab/wire';

// What a ledger needs of a run, as flat lists of numbers: a server in another process writes its part as JSON.

/** Streams of one connection, more than there ever are. */
const STREAMS = 2 ** 24;

/** One number for a stream (a carrier) or an exchange of the nth connection of a run: on the first connection its own. */
export const exchangeOf = (connection: number, id: number): number => connection * STREAMS + id;
export const connectionOf = (exchange: number): number => Math.floor(exchange / STREAMS);
export const idOf = (exchange: number): number => exchange % STREAMS;

/** At the receiver: when which octets of which carrier came, four numbers each: at, carrier, offset, length. */
export class ArrivalLog extends Observer {
  readonly arrivals: number[];
  readonly #connection: number;

  /** @param arrivals  goes into this list, which several connections may share */
  constructor(connection = 0, arrivals: number[] = []) {
    super();
    this.#connection = connection;
    this.arrivals = arrivals;
  }

  override streamArrived(now: Micros, id: StreamId, offset: number, length: number): void {
    this.arrivals.push(now, exchangeOf(this.#connection, id), offset, length);
  }
}

/** At the sender: what stream data each datagram carried, three numbers a piece: carrier, offset, length. */
export class CarriedLog extends Observer {
  readonly #datagrams: number[][];
  readonly #connection: number;
  #datagram = -1;

  /** @param datagrams  goes into this list, which the connections of a host share: the nth that it sent is the nth there */
  constructor(connection: number, datagrams: number[][]) {
    super();
    this.#connection = connection;
    this.#datagrams = datagrams;
  }

  override packetSent(_now: Micros, { datagram, frames }: PacketView): void {
    if (datagram !== this.#datagram) this.#datagrams.push([]);
    this.#datagram = datagram;
    const pieces = this.#datagrams.at(-1)!;
    for (let i = 0; i < frames.length; i++)
      if ((frames.type(i) & ~1) === FrameType.STREAM)
        pieces.push(exchangeOf(this.#connection, frames.stream(i)), frames.offset(i), frames.size(i));
  }
}

/** At the sender: whose octets these are, four numbers each: carrier, offset, length, exchange (-1: the connection's own). */
export class OwnerLog implements FrameObserver {
  readonly #owners: number[];
  readonly #connection: number;

  constructor(connection: number, owners: number[]) {
    this.#connection = connection;
    this.#owners = owners;
  }

  frameMapped(
    direction: 'sent' | 'received',
    exchange: number,
    stream: StreamId,
    offset: number,
    length: number,
    _header: number,
    _kind: MappedKind,
  ): void {
    if (direction !== 'sent') return;
    const owner = exchange < 0 ? -1 : exchangeOf(this.#connection, exchange);
    this.#owners.push(exchangeOf(this.#connection, stream), offset, length, owner);
  }
}

/** What both ends know a QUIC connection by. */
export const connectionKey = ({ originalId }: { readonly originalId: Uint8Array }): string => toHex(originalId);
