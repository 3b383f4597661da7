import type { Ecn, Micros } from '@quiclab/sansio';
import { type Random, seededRandom } from '@quiclab/sansio';
import type { Fate, ImpairmentMaker, LinkPacket, LinkQueue, LinkRate } from './port.ts';

/** What every implementation of a port keeps to. `check` returns '' or what it found instead. */
export interface ContractCase<Subject> {
  readonly name: string;
  check(create: () => Subject): string;
}

const HERE = { host: '10.0.0.1', port: 1 };
const THERE = { host: '10.0.0.2', port: 2 };

export function packet(index: number, payload = 1_200, enteredAt: Micros = 0, ecn: Ecn = 0): LinkPacket {
  return {
    protocol: 'udp',
    bytes: new Uint8Array(payload).fill(index & 255),
    size: payload + 28,
    index,
    enteredAt,
    from: HERE,
    to: THERE,
    ecn,
  };
}

/** The fates that an impairment gives to packets entering at even distances, each judged as a link would. */
export function fatesOf(make: ImpairmentMaker, packets: readonly LinkPacket[], random: Random = seededRandom(1)): Fate[] {
  const impairment = make(random);
  return packets.map((one) => {
    const fate: Fate = { dropped: '', delay: 0, copies: 1, flipBit: -1, ecn: -1 };
    impairment.judge(one.enteredAt, one, fate, random.at(one.index));
    return fate;
  });
}

const text = (fates: readonly Fate[]): string => fates.map((f) => `${f.dropped}/${f.delay}/${f.copies}/${f.ecn}`).join();
const flow = (count: number, payload: (n: number) => number): LinkPacket[] =>
  Array.from({ length: count }, (_, i) => packet(i + 1, payload(i), i * 500, (i % 3) as Ecn));

/** `create` gives the maker, the same each time. */
export const impairmentCases: readonly ContractCase<ImpairmentMaker>[] = [
  {
    name: 'the same seed gives the same fates, another link of the same configuration is not disturbed',
    check(create) {
      const make = create();
      const first = text(
        fatesOf(
          make,
          flow(500, () => 1_200),
        ),
      );
      const second = text(
        fatesOf(
          make,
          flow(500, () => 1_200),
        ),
      );
      return first === second ? '' : 'two links of one maker and one seed differ';
    },
  },
  {
    name: 'the size of packets changes no draw',
    check(create) {
      const large = text(
        fatesOf(
          create(),
          flow(500, () => 1_200),
        ),
      );
      const mixed = text(
        fatesOf(
          create(),
          flow(500, (n) => 20 + ((n * 97) % 1_400)),
        ),
      );
      return large === mixed ? '' : 'packets of other sizes meet other fates';
    },
  },
  {
    name: 'fates make sense',
    check(create) {
      for (const fate of fatesOf(
        create(),
        flow(2_000, (n) => n % 3),
      )) {
        if (!Number.isInteger(fate.delay)) return `a delay of ${fate.delay} µs is not whole`;
        if (!(Number.isInteger(fate.copies) && fate.copies >= 1)) return `${fate.copies} copies`;
        if (!(Number.isInteger(fate.ecn) && fate.ecn >= -1 && fate.ecn <= 3)) return `ECN bits of ${fate.ecn}`;
        if (!(fate.flipBit === -1 || (fate.flipBit >= 0 && fate.flipBit < 16))) return `bit ${fate.flipBit} of at most two octets`;
      }
      return '';
    },
  },
];

export const queueCases: readonly ContractCase<LinkQueue>[] = [
  {
    name: 'an empty queue gives nothing',
    check(create) {
      const queue = create();
      return queue.shift(0, () => {}) === undefined && queue.packets === 0 && queue.bytes === 0 ? '' : 'it gives or counts something';
    },
  },
  {
    name: 'every packet comes out or is dropped, once; those that come out are in order; the counts are right',
    check(create) {
      const queue = create();
      const out: number[] = [];
      const gone = new Set<number>();
      let inside = 0;
      let wrong = '';
      const dropped = (one: LinkPacket): void => {
        if (gone.has(one.index)) wrong = `packet ${one.index} is dropped twice`;
        gone.add(one.index);
        inside -= one.size;
      };
      let index = 0;
      for (let step = 0; step < 4_000; step++) {
        const now = step * 700;
        if (step % 3 !== 0 || step < 1_000) {
          const one = packet(++index, 100 + ((index * 37) % 1_300), now);
          inside += one.size;
          queue.push(now, one, dropped);
        } else {
          const one = queue.shift(now, dropped);
          if (one !== undefined) {
            out.push(one.index);
            inside -= one.size;
          }
        }
        if (queue.bytes !== inside) return `counts ${queue.bytes} octets where ${inside} are`;
      }
      for (let one = queue.shift(3e6, dropped); one !== undefined; one = queue.shift(3e6, dropped)) out.push(one.index);
      if (wrong !== '') return wrong;
      if (out.length + gone.size !== index) return `${index} went in, ${out.length} came out, ${gone.size} were dropped`;
      if (out.some((n) => gone.has(n))) return 'a packet came out and was dropped';
      if (out.some((n, i) => i > 0 && n <= out[i - 1]!)) return 'packets came out in another order';
      return queue.packets === 0 ? '' : `counts ${queue.packets} packets when empty`;
    },
  },
  {
    name: 'only ECN-capable packets are marked, and a mark says nothing but congestion (RFC 3168 §5)',
    check(create) {
      const queue = create();
      const before = new Map<number, Ecn>();
      let index = 0;
      for (let step = 0; step < 4_000; step++) {
        const now = step * 700;
        if (step % 3 !== 0 || step < 300) {
          const one = packet(++index, 1_200, now, (index % 4) as Ecn);
          before.set(index, one.ecn);
          queue.push(now, one, () => {});
          continue;
        }
        const one = queue.shift(now, () => {});
        if (one === undefined) continue;
        const came = before.get(one.index)!;
        if (one.ecn !== came && (came === 0 || one.ecn !== 3)) return `packet ${one.index} came with ${came} and left with ${one.ecn}`;
      }
      return '';
    },
  },
];

export const rateCases: readonly ContractCase<LinkRate>[] = [
  {
    name: 'departures are whole, never before the start, and never fall',
    check(create) {
      const rate = create();
      let now = 0;
      for (let n = 0; n < 2_000; n++) {
        const start = now + (n % 7 === 0 ? 12_345 : 0);
        const departure = rate.departure(start, 40 + ((n * 97) % 1_460));
        if (!Number.isInteger(departure)) return `a departure at ${departure}`;
        if (departure < start) return `a departure at ${departure} of what starts at ${start}`;
        now = departure;
      }
      return '';
    },
  },
  {
    name: 'how a load is cut into packets changes its duration by no more than a microsecond',
    check(create) {
      const whole = create().departure(0, 1_500 * 1_000);
      const pieces = create();
      let now = 0;
      for (let n = 0; n < 5_000; n++) now = pieces.departure(now, 300);
      return Math.abs(now - whole) <= 1 ? '' : `${now} µs in pieces, ${whole} µs as a whole`;
    },
  },
];
