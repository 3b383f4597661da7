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

/** Numbers that are drawn once and for all: a case finds the same each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

/** What every scheduler keeps to. */
export const schedulerCases: readonly SchedulerCase[] = [
  {
    name: 'nothing ready: -1',
    check: (create) => expect(create().next() === -1, 'next() names a stream although none is ready'),
  },
  {
    name: 'asking changes nothing',
    check(create) {
      const asked = create();
      const left = create();
      const roll = dice(1);
      for (const id of [0, 4, 8]) for (const scheduler of [asked, left]) scheduler.onReady(id, USUAL);
      for (let n = 0; n < 50; n++) {
        const first = asked.next();
        for (let i = 0; i < 5; i++) if (asked.next() !== first) return 'next() answers differently when asked again';
        if (left.next() !== first) return `after ${n} packets it names ${first}, and ${left.next()} had it not been asked so often`;
        const bytes = roll(1_200);
        for (const scheduler of [asked, left]) {
          scheduler.onSent(first, bytes);
          scheduler.onPacketDone();
        }
      }
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
      scheduler.onPacketDone();
      return expect(scheduler.next() === -1, `names ${scheduler.next()} after it became not ready once`);
    },
  },
  {
    name: 'a stream that says again and again that it is ready gains nothing and loses nothing',
    check(create) {
      const quiet = create();
      const loud = create();
      for (const id of [0, 4, 8]) for (const scheduler of [quiet, loud]) scheduler.onReady(id, USUAL);
      for (let n = 0; n < 60; n++) {
        loud.onReady(4, { ...USUAL });
        const id = quiet.next();
        if (loud.next() !== id) return `packet ${n} would be stream ${id}'s, and is ${loud.next()}'s since 4 is loud`;
        for (const scheduler of [quiet, loud]) {
          scheduler.onSent(id, 1_000);
          scheduler.onPacketDone();
        }
      }
      return '';
    },
  },
  {
    name: 'what is told of streams that it does not know means nothing',
    check(create) {
      const scheduler = create();
      scheduler.onNotReady(8);
      scheduler.onSent(8, 1_000);
      scheduler.onPacketDone();
      if (scheduler.next() !== -1) return `names ${scheduler.next()}, and never heard of one that is ready`;
      for (const id of [0, 4]) scheduler.onReady(id, USUAL);
      const first = scheduler.next();
      scheduler.onNotReady(8);
      scheduler.onSent(8, 1_000);
      return expect(scheduler.next() === first, `the turn went from ${first} to ${scheduler.next()}`);
    },
  },
  {
    name: 'every octet of every stream is sent, and no stream is forgotten',
    check(create) {
      const scheduler = create();
      const backlog = new Map<StreamId, number>();
      for (let i = 0; i < 20; i++) {
        backlog.set(i * 4, 700 + 531 * i);
        scheduler.onReady(i * 4, { urgency: i % 8, incremental: i % 3 === 0 });
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
    name: 'a priority may be any number, and may change at any time: the stream is ready as before',
    check(create) {
      const scheduler = create();
      const urgencies = [0, 7, 3, -1, 8, 2.5, 1e9, -Infinity, Infinity, Number.NaN];
      scheduler.onReady(0, USUAL);
      for (const urgency of urgencies)
        for (const incremental of [true, false]) {
          scheduler.onReady(4, { urgency, incremental });
          const id = scheduler.next();
          if (id !== 0 && id !== 4) return `names ${id} at urgency ${urgency}`;
          scheduler.onSent(id, 1_000);
          scheduler.onPacketDone();
        }
      scheduler.onNotReady(0);
      if (scheduler.next() !== 4) return `names ${scheduler.next()} where only 4 is ready`;
      scheduler.onNotReady(4);
      return expect(scheduler.next() === -1, `names ${scheduler.next()} where none is ready`);
    },
  },
  {
    name: 'whatever happens, a stream is named that is ready, and one is named as long as one is ready',
    check(create) {
      const scheduler = create();
      const ready = new Set<StreamId>();
      const roll = dice(7);
      for (let n = 0; n < 20_000; n++) {
        const id = 4 * roll(40);
        const next = scheduler.next();
        switch (roll(6)) {
          case 0:
          case 1:
            scheduler.onReady(id, { urgency: roll(8), incremental: roll(2) === 0 });
            ready.add(id);
            break;
          case 2:
            scheduler.onNotReady(id);
            ready.delete(id);
            break;
          case 3:
            scheduler.onPacketDone();
            break;
          default:
            if (next >= 0) scheduler.onSent(next, roll(1_200));
        }
        const after = scheduler.next();
        if (ready.size === 0 ? after !== -1 : !ready.has(after))
          return `step ${n}: names ${after}; ready are ${[...ready].join() || 'none'}`;
      }
      return '';
    },
  },
  {
    name: 'ten thousand streams come, send a packet, and go',
    check(create) {
      const scheduler = create();
      scheduler.onReady(0, USUAL);
      for (let id = 4; id < 40_000; id += 4) {
        scheduler.onReady(id, USUAL);
        scheduler.onSent(scheduler.next(), 1_000);
        scheduler.onPacketDone();
        scheduler.onNotReady(id);
      }
      return expect(scheduler.next() === 0, `names ${scheduler.next()} where only 0 is ready`);
    },
  },
];

/** Packets of `ROOM` octets, each filled by whoever is named; what each stream has got is counted. */
const ROOM = 1_000;
function serve(scheduler: StreamScheduler, sent: Map<StreamId, number>, packets: number): void {
  for (let n = 0; n < packets; n++) {
    const id = scheduler.next();
    sent.set(id, (sent.get(id) ?? 0) + ROOM);
    scheduler.onSent(id, ROOM);
    scheduler.onPacketDone();
  }
}

/**
 * What a scheduler keeps to that shares evenly between streams of equal priority (urgency 3, incremental).
 * @param bound  octets by which two streams that always want to send may differ, when packets carry 1,000
 */
export function fairnessCases(bound: number): readonly SchedulerCase[] {
  const spread = (sent: Map<StreamId, number>): number => Math.max(...sent.values()) - Math.min(...sent.values());
  const streams = [0, 4, 8, 12, 16, 20, 24];
  const start = (create: () => StreamScheduler): [StreamScheduler, Map<StreamId, number>] => {
    const scheduler = create();
    for (const id of streams) scheduler.onReady(id, USUAL);
    return [scheduler, new Map(streams.map((id) => [id, 0]))];
  };
  return [
    {
      name: 'streams that always want to send get the same, at any time',
      check(create) {
        const [scheduler, sent] = start(create);
        for (let n = 1; n <= 500; n++) {
          serve(scheduler, sent, 1);
          if (spread(sent) > bound) return `${spread(sent)} octets apart after ${n} packets`;
        }
        return '';
      },
    },
    {
      name: 'one that comes late gets the same from then on, and makes up for nothing',
      check(create) {
        const [scheduler, before] = start(create);
        serve(scheduler, before, 300);
        scheduler.onReady(40, USUAL);
        const sent = new Map([...streams, 40].map((id) => [id, 0]));
        for (let n = 1; n <= 300; n++) {
          serve(scheduler, sent, 1);
          if (spread(sent) > 2 * bound) return `${spread(sent)} octets apart ${n} packets after it came`;
        }
        return '';
      },
    },
    {
      name: 'one that pauses loses its share of that time, and gets the same after it',
      check(create) {
        const [scheduler, before] = start(create);
        serve(scheduler, before, 100);
        scheduler.onNotReady(8);
        serve(scheduler, before, 100);
        scheduler.onReady(8, USUAL);
        const sent = new Map(streams.map((id) => [id, 0]));
        for (let n = 1; n <= 300; n++) {
          serve(scheduler, sent, 1);
          if (spread(sent) > 2 * bound) return `${spread(sent)} octets apart ${n} packets after it came back`;
        }
        return '';
      },
    },
    {
      name: 'nobody starves while others come and go without end',
      check(create) {
        const [scheduler, sent] = start(create);
        for (let n = 0; n < 2_000; n++) {
          const id = 1_000 + 4 * n;
          scheduler.onReady(id, USUAL);
          serve(scheduler, sent, 1);
          if (n % 2 === 1) for (const gone of [id, id - 4]) scheduler.onNotReady(gone);
        }
        const hungry = streams.filter((id) => sent.get(id) === 0);
        return expect(hungry.length === 0, `streams ${hungry.join()} got nothing of 2,000 packets`);
      },
    },
  ];
}
