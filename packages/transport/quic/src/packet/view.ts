import type { Micros } from '@quiclab/sansio';
import type { Level } from '@quiclab/tls';
import type { PacketView } from '../observer.ts';
import { LoggedFrames } from './sent-frames.ts';

/** The one PacketView of a connection, filled before each call of its observer. */
export class ReusedPacketView implements PacketView {
  level: Level = 'initial';
  packetNumber = 0;
  path = 0;
  datagram = 0;
  bytes = 0;
  ackEliciting = false;
  inFlight = false;
  sentAt: Micros = 0;
  readonly frames = new LoggedFrames();
}
