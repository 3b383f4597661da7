import type { FrameObserver, MappedKind } from '@quiclab/http-semantics';
import { Observer, type PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import type { StreamId } from '@quiclab/streams';
import { FrameType } from '@quiclab/wire';

// What a ledger needs of a run, as flat lists of numbers: a server in another process writes its part as JSON.

/** At the receiver: when which octets of which stream came, four numbers each: at, stream, offset, length. */
export class ArrivalLog extends Observer {
  readonly arrivals: number[] = [];
  override streamArrived(now: Micros, id: StreamId, offset: number, length: number): void {
    this.arrivals.push(now, id, offset, length);
  }
}

/** At the sender: what stream data each datagram carried, three numbers a piece: stream, offset, length. */
export class CarriedLog extends Observer {
  readonly datagrams: number[][] = [];
  override packetSent(_now: Micros, packet: PacketView): void {
    const { datagram, frames } = packet;
    while (this.datagrams.length <= datagram) this.datagrams.push([]);
    const pieces = this.datagrams[datagram]!;
    for (let i = 0; i < frames.length; i++)
      if ((frames.type(i) & ~1) === FrameType.STREAM) pieces.push(frames.stream(i), frames.offset(i), frames.size(i));
  }
}

/** At the sender: whose octets these are, four numbers each: stream, offset, length, exchange (-1: the connection's own). */
export class OwnerLog implements FrameObserver {
  readonly owners: number[] = [];
  frameMapped(
    direction: 'sent' | 'received',
    exchange: number,
    stream: StreamId,
    offset: number,
    length: number,
    _header: number,
    _kind: MappedKind,
  ): void {
    if (direction === 'sent') this.owners.push(stream, offset, length, exchange);
  }
}
