import type { StreamId, StreamPriority, StreamScheduler } from './scheduler.ts';

/** What every scheduler keeps to, whatever its order. `check` returns '' or what it found instead. */
export interface SchedulerCase {
  readonly name: string;
  check(create: () => StreamScheduler): string;
}

const USUAL: StreamPriority = { urgency: 3, incremental: true };

/** Fills `packets` packets of `room` octets as a connection does; returns the streams in each packet. */
export function fillPackets(scheduler: StreamScheduler, backlog: Map<StreamId, number>, packets: number, room: number): StreamId[][] {
  const filled: StreamId[][] = [];
  for (let n = 0; n < packets; n++) {
    const packet: StreamId[] = [];
    let left = room;
    for (let id = scheduler.next(); id >= 0 && left > 0; id = scheduler.next()) {
      if (packet.length > 0 && packet[packet.length - 1] !== id && !scheduler.sharesPackets) break;
      const has = backlog.get(id) ?? 0;
      const takes = Math.min(has, left);
      left -= takes;
      backlog.set(id, has - takes);
      if (packet[packet.length - 1] !== id) packet.push(id);
      scheduler.onSent(id, takes);
      if (has === takes) scheduler.onNotReady(id);
    }
    if (packet.length > 0) filled.push(packet);
    scheduler.onPacketDone();
  }
  return filled;
}

const expect = (holds: boolean, found: string): string => (holds ? '' : found);

export const schedulerCases: readonly SchedulerCase[] = [
  {
    name: 'nothing ready: -1',
    check: (create) => expect(create().next() === -1, 'next() names a stream although none is ready'),
  },
  {
    name: 'asking changes nothing',
    check(create) {
      const scheduler = create();
      for (const id of [0, 4, 8]) scheduler.onReady(id, USUAL);
      const first = scheduler.next();
      for (let i = 0; i < 5; i++) if (scheduler.next() !== first) return 'next() answers differently when asked again';
      return '';
    },
  },
  {
    name: 'a stream that is no longer ready is not named',
    check(create) {
      const scheduler = create();
      for (const id of [0, 4, 8]) scheduler.onReady(id, USUAL);
      const seen: StreamId[] = [];
      for (let i = 0; i < 3; i++) {
        seen.push(scheduler.next());
        scheduler.onNotReady(scheduler.next());
      }
      seen.sort((a, b) => a - b);
      return expect(seen.join() === '0,4,8' && scheduler.next() === -1, `named ${seen.join()}, then ${scheduler.next()}`);
    },
  },
  {
    name: 'calls repeat without harm',
    check(create) {
      const scheduler = create();
      for (let i = 0; i < 3; i++) scheduler.onReady(4, USUAL);
      scheduler.onNotReady(4);
      scheduler.onNotReady(4);
      scheduler.onNotReady(8);
      scheduler.onPacketDone();
      return expect(scheduler.next() === -1, `names ${scheduler.next()} after it became not ready once`);
    },
  },
  {
    name: 'every octet of every stream is sent, and no stream is forgotten',
    check(create) {
      const scheduler = create();
      const backlog = new Map<StreamId, number>();
      for (let i = 0; i < 20; i++) {
        backlog.set(i * 4, 700 + 531 * i);
        scheduler.onReady(i * 4, USUAL);
      }
      const packets = fillPackets(scheduler, backlog, 1_000, 1_000);
      const left = [...backlog.values()].reduce((sum, octets) => sum + octets, 0);
      return expect(left === 0 && scheduler.next() === -1, `${left} octets are left after ${packets.length} packets`);
    },
  },
  {
    name: 'one stream per packet where packets are not shared',
    check(create) {
      const scheduler = create();
      const backlog = new Map<StreamId, number>();
      for (const id of [0, 4, 8, 12]) {
        backlog.set(id, 5_000);
        scheduler.onReady(id, USUAL);
      }
      const packets = fillPackets(scheduler, backlog, 100, 1_200);
      const shared = packets.find((packet) => packet.length > 1);
      return expect(scheduler.sharesPackets || shared === undefined, `a packet holds streams ${shared?.join()}`);
    },
  },
  {
    name: 'a packet in which nothing was sent costs nobody a turn',
    check(create) {
      const scheduler = create();
      for (const id of [0, 4, 8]) scheduler.onReady(id, USUAL);
      const first = scheduler.next();
      scheduler.onPacketDone();
      return expect(scheduler.next() === first, `the turn went from ${first} to ${scheduler.next()}`);
    },
  },
  {
    name: 'ten thousand streams come and go',
    check(create) {
      const scheduler = create();
      scheduler.onReady(0, USUAL);
      for (let id = 4; id < 40_000; id += 4) {
        scheduler.onReady(id, USUAL);
        scheduler.onNotReady(id);
      }
      return expect(scheduler.next() === 0, `names ${scheduler.next()} where only 0 is ready`);
    },
  },
];
