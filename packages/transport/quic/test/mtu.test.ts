import { SentRecord } from '@quiclab/recovery';
import { type Micros, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { commonSizeBetween, MtuDiscovery } from '../src/path/mtu.ts';

const HUGE_WINDOW = 1e9;
const SLOT = 65_507;

/** A path that carries so many octets, without a connection around it: what is sent is acknowledged or lost at once. */
class Course {
  readonly mtu: MtuDiscovery;
  readonly probes: number[] = [];
  carries: number;
  now: Micros = 0;
  #next = 0;

  constructor(carries: number, mtu = new MtuDiscovery(1200, Number.POSITIVE_INFINITY)) {
    this.carries = carries;
    this.mtu = mtu;
  }

  packet(bytes: number, mtuProbe = false): SentRecord {
    const record = new SentRecord();
    record.packetNumber = this.#next++;
    record.bytes = bytes;
    record.sentAt = this.now;
    record.mtuProbe = mtuProbe;
    return record;
  }

  /** A datagram of full size, and the probe that follows it, if any. */
  step(window = HUGE_WINDOW): void {
    this.now += 1_000;
    this.mtu.onFullDatagram(this.now, SLOT);
    const size = this.mtu.wanted ? this.mtu.probeSize(window) : 0;
    if (size === 0) return;
    this.probes.push(size);
    const record = this.packet(size, true);
    this.mtu.onProbeSent(record.packetNumber);
    if (size <= this.carries) this.mtu.onAcked(this.now, record);
    else this.mtu.onLost(this.now, record);
  }

  search(): this {
    for (let i = 0; i < 100 && this.mtu.state !== 'complete'; i++) this.step();
    expect(this.mtu.state).toBe('complete');
    return this;
  }

  /** Full-size packets, all lost. */
  lose(packets: number, bytes = this.mtu.size): void {
    const lost = Array.from({ length: packets }, () => this.packet(bytes));
    for (const record of lost) this.mtu.onLost(this.now, record);
  }
}

describe('a search (RFC 8899 §5.3)', () => {
  test('finds the largest common size that the path carries, with few probes, and three lost of each size that is refused (RFC 8899 §5.3.2)', () => {
    const most = { probes: 0, lost: 0 };
    for (let carries = 1200; carries <= 65_507; carries += 1 + (carries >> 8)) {
      const { mtu, probes } = new Course(carries).search();
      expect(mtu.size).toBeLessThanOrEqual(carries);
      expect(commonSizeBetween(mtu.size, carries + 1, Number.POSITIVE_INFINITY)).toBe(0);
      for (const size of new Set(probes))
        expect([size, probes.filter((one) => one === size).length]).toEqual([size, size <= carries ? 1 : 3]);
      most.probes = Math.max(most.probes, probes.length);
      most.lost = Math.max(most.lost, mtu.probesLost);
    }
    expect(most).toEqual({ probes: 15, lost: 15 });
  });

  test('begins with what the interface carries, where that is known: most often one probe is all', () => {
    for (const bound of [1300, 1472, 8972, 40_000]) {
      const { mtu, probes } = new Course(bound, new MtuDiscovery(1200, bound)).search();
      expect([mtu.size, probes]).toEqual([bound, [bound]]);
    }
    const { mtu, probes } = new Course(1400, new MtuDiscovery(1200, 1472)).search();
    expect(mtu.size).toBe(1392);
    expect(probes.slice(0, 4)).toEqual([1472, 1472, 1472, 1372]);
  });

  test('never goes beyond the interface, the slots, or what the peer takes (RFC 9000 §18.2)', () => {
    const byPeer = new MtuDiscovery(1200, Number.POSITIVE_INFINITY);
    byPeer.limit(1333);
    for (const [mtu, bound] of [
      [new MtuDiscovery(1200, 1401), 1401],
      [byPeer, 1333],
      [new MtuDiscovery(1200, Number.POSITIVE_INFINITY), SLOT],
    ] as const) {
      const { probes } = new Course(1e6, mtu).search();
      expect(Math.max(...probes)).toBe(bound);
      expect(mtu.size).toBe(bound);
    }
  });

  test('takes half of the window at most, and waits for it to grow', () => {
    const course = new Course(SLOT);
    for (let i = 0; i < 20; i++) course.step(5_000);
    expect(Math.max(...course.probes)).toBeLessThanOrEqual(2_500);
    expect(course.mtu.state).toBe('searching');
    for (let i = 0; i < 20; i++) course.step(2_399);
    expect(course.mtu.wanted).toBe(true);
    course.search();
    expect(course.mtu.size).toBe(SLOT);
  });

  test('one lost probe, or two, say nothing (MAX_PROBES, RFC 8899 §5.1.2)', () => {
    const course = new Course(1300, new MtuDiscovery(1200, 1472));
    course.step();
    course.step();
    course.carries = 1500;
    course.search();
    expect(course.probes).toEqual([1472, 1472, 1472]);
    expect(course.mtu.size).toBe(1472);
  });

  test('a probe that was given up three times and arrives all the same has arrived', () => {
    const course = new Course(1300, new MtuDiscovery(1200, 1472));
    course.step();
    course.step();
    course.now += 1_000;
    course.mtu.onFullDatagram(course.now, SLOT);
    const late = course.packet(course.mtu.probeSize(HUGE_WINDOW), true);
    course.mtu.onProbeSent(late.packetNumber);
    course.mtu.onLost(course.now, late);
    course.step();
    expect(course.probes.at(-1)).toBe(1372); // a smaller one
    course.mtu.onAcked(course.now, late);
    expect([course.mtu.size, course.mtu.state]).toEqual([1472, 'complete']);
  });

  test('is repeated 600 s later, when there is something to send (PMTU_RAISE_TIMER, RFC 8899 §5.1.1)', () => {
    const course = new Course(1472).search();
    const found = course.now;
    course.carries = 8972;
    course.probes.length = 0;
    course.now = found + 599 * SECOND;
    course.step();
    expect(course.probes).toEqual([]);
    course.now = found + 600 * SECOND;
    course.search();
    for (let i = 0; i < 30; i++) course.step();
    expect(course.mtu.size).toBe(8972);
    expect(Math.min(...course.probes)).toBeGreaterThan(1472);
  });
});

describe('a black hole (RFC 8899 §4.3)', () => {
  test('three packets are lost that every path need not carry, and nothing as large after them arrives: back to 1,200', () => {
    const course = new Course(8972).search();
    course.carries = 1200;
    course.lose(2);
    expect(course.mtu.size).toBe(8972);
    course.mtu.onAcked(course.now, course.packet(1200)); // says nothing of large ones
    course.lose(1);
    expect([course.mtu.size, course.mtu.blackHoles, course.mtu.state]).toEqual([1200, 1, 'searching']);
  });

  test('what is smaller than the lost ones does not hide it', () => {
    const course = new Course(8972).search();
    course.carries = 1500;
    for (let i = 0; i < 3; i++) {
      course.lose(1);
      course.mtu.onAcked(course.now, course.packet(1300));
    }
    expect(course.mtu.size).toBe(1200);
  });

  test('losses among which something as large gets through are no black hole, however many', () => {
    const course = new Course(1472).search();
    for (let round = 0; round < 50; round++) {
      course.lose(2);
      const lost = [course.packet(1472), course.packet(1472), course.packet(1472), course.packet(1472)];
      course.mtu.onAcked(course.now, course.packet(1472)); // an ACK says what has arrived, then what is lost
      for (const record of lost) course.mtu.onLost(course.now, record);
    }
    expect([course.mtu.size, course.mtu.blackHoles]).toEqual([1472, 0]);
  });

  test('small packets that are lost are none', () => {
    const course = new Course(1472).search();
    course.lose(100, 1200);
    expect(course.mtu.blackHoles).toBe(0);
  });

  test('the size that was lost is tried first: a burst of losses costs one probe', () => {
    const course = new Course(8972).search();
    course.probes.length = 0;
    course.lose(3);
    expect(course.mtu.size).toBe(1200);
    course.search();
    expect([course.probes, course.mtu.size]).toEqual([[8972], 8972]);
  });

  test('of a path that has become narrower the new size is found', () => {
    const course = new Course(8972).search();
    course.carries = 1472;
    course.lose(3);
    expect(course.search().mtu.size).toBe(1472);
  });

  test('what left before it was noticed says nothing any more', () => {
    const course = new Course(1472).search();
    const [early, probe] = [course.packet(1472), course.packet(8972, true)];
    course.now += 1_000;
    course.lose(3);
    course.mtu.onAcked(course.now, probe);
    course.mtu.onLost(course.now, early);
    expect(course.mtu.size).toBe(1200);
  });

  test('whoever lets probes pass and drops what follows makes the pauses longer, up to 600 s', () => {
    const course = new Course(1472, new MtuDiscovery(1200, 1472)).search();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      course.lose(3);
      const lostAt = course.now;
      while (course.mtu.size === 1200) {
        course.step();
        course.now += SECOND / 8;
      }
      pauses.push(Math.floor((course.now - lostAt) / SECOND));
    }
    expect(pauses).toEqual([0, 1, 4, 16, 64, 256, 600, 600, 600]);
    course.now += 600 * SECOND;
    course.lose(3);
    course.search();
    expect(course.mtu.size).toBe(1472); // forgiven
  });
});
