import { RangeSet } from '@quiclab/bytes';
import { newReno } from '@quiclab/congestion';
import { type Connection, Observer, type Policies } from '@quiclab/quic';
import type { Ecn } from '@quiclab/sansio';
import { AckRecord, type EcnCounts, FrameType, writeAck, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Watch } from '../src/connection/watch.ts';
import { EcnCounting, PathEcn } from '../src/path/ecn.ts';
import { Pair, type PairOptions } from './pair.ts';
import { established, find, frames, type ReadPacket, type ScriptedPeer } from './scripted-peer.ts';

const ECT_0 = 2;
const CE = 3;
const asTheyAre = (_direction: string, _n: number, ecn: Ecn): Ecn => ecn;
const ecnOf = (connection: Connection) => connection.stats().paths[0]!.ecn;

/** A client that marks, and a server played by us: it reports what it likes. */
class Scene {
  readonly pair: Pair;
  readonly peer: ScriptedPeer;
  readonly client: Connection;
  /** What a server that counts would report next, of 1-RTT packets. */
  ect0: number;
  ect1 = 0;
  ce = 0;
  largest: number;

  constructor(options: PairOptions = {}) {
    const { pair, peer, victim } = established('server', { ecn: asTheyAre, ...options });
    this.pair = pair;
    this.peer = peer;
    this.client = victim;
    this.ect0 = this.marked.length;
    this.largest = Math.max(...this.sent.map(({ packetNumber }) => packetNumber));
    this.report();
  }

  get sent() {
    return this.pair.clientObserver.sent.filter(({ level }) => level === 'application');
  }

  /** 1-RTT packets that left marked. */
  get marked() {
    return this.sent.filter(({ datagram }) => this.pair.clientObserver.marks[datagram] === ECT_0);
  }

  get states(): readonly string[] {
    return this.pair.clientObserver.ecnStates;
  }

  get window(): number {
    return this.client.stats().congestionWindow;
  }

  /** The client sends so many packets; a server that counts has all of them. Returns how many left marked. */
  pings(count: number, as: 'ect0' | 'ce' | '' = 'ect0'): number {
    const before = this.marked.length;
    this.pair.now += 1_000;
    for (let i = 0; i < count; i++) {
      this.client.ping();
      this.largest = this.peer.listen().at(-1)!.packetNumber;
    }
    const marked = this.marked.length - before;
    if (as !== '') this[as] += marked;
    return marked;
  }

  /** An ACK of everything up to `largest`, with the counts as they are, or other ones, or none. */
  report(counts: EcnCounts | null = this, largest = this.largest): ReadPacket[] {
    this.pair.now += 20_000;
    const ranges = new RangeSet();
    ranges.add(0, largest + 1);
    return this.peer.send('application', (w) => writeAck(w, ranges, 0, 1, 1_000, counts ?? undefined));
  }

  /** Through the test of the path. */
  capable(): this {
    this.pings(10);
    this.report();
    if (ecnOf(this.client).state !== 'capable') throw new Error(`the path is ${ecnOf(this.client).state}: ${this.states}`);
    return this;
  }
}

const SLOW = { probeTimeout: 1_000_000, recovery: { ptoCount: 0 } };
const QUICK = { probeTimeout: 50_000, recovery: { ptoCount: 0 } };

/** One path alone, and one packet number space. */
class Part {
  readonly states: string[] = [];
  readonly counting = new EcnCounting();
  readonly ecn: PathEcn;
  readonly #ack = new AckRecord();

  constructor() {
    const { states } = this;
    class States extends Observer {
      override ecnState(_now: number, _path: number, _from: string, to: string, failure: string): void {
        states.push(`${to}${failure && `, ${failure}`}`);
      }
    }
    this.ecn = new PathEcn(0, true, new Watch(0, new States(), true));
  }

  /** What it went through between test and failure. */
  get passed(): readonly string[] {
    return this.states.filter((state) => state === 'capable');
  }

  sends(count: number, now = 0): this {
    for (let i = 0; i < count; i++) {
      if (this.ecn.codepoint(now, 0, SLOW) !== ECT_0) throw new Error(`packet ${i} is not marked`);
      this.counting.marked++;
      this.ecn.onMarked(now);
    }
    return this;
  }

  /** So many of them are acknowledged, and the counts rise by so much; without those, there are none. Returns the marks to answer. */
  hears(acked: number, ect0?: number, ce = 0, ect1 = 0): number {
    const ack = this.#ack;
    for (let i = 0; i < acked; i++) this.ecn.onMarkedAcked();
    ack.hasEcn = ect0 !== undefined;
    ack.ect0 += ect0 ?? 0;
    ack.ect1 += ect1;
    ack.ce += ce;
    return this.ecn.onCounts(this.counting, ack, acked);
  }
}

describe('a path is tested (RFC 9000 §13.4.2, Appendix A.4)', () => {
  test('ten packets leave as ECT(0), of all spaces, then none', () => {
    const { ecn, states } = new Part().sends(10);
    expect(ecn.codepoint(0, 0, SLOW)).toBe(0);
    expect(states).toEqual(['testing', 'unknown']);
    const slow = new Pair({ ecn: asTheyAre, oneWayDelay: 300_000 }).handshake();
    slow.run(slow.now + 600_000);
    const { sent, marks } = slow.serverObserver;
    expect(new Set(sent.map(({ level }) => level)).size).toBe(3);
    expect(sent.map(({ datagram }) => marks[datagram])).toEqual(sent.map(() => ECT_0));
  });

  test('none is marked until what was has been acknowledged with counts, then all', () => {
    const scene = new Scene();
    const { marked } = ecnOf(scene.client);
    expect(scene.states).toEqual(['0: testing', '0: unknown']); // it was quiet for a while
    expect(scene.pings(5)).toBe(0);
    scene.report();
    expect(scene.states).toEqual(['0: testing', '0: unknown', '0: capable']);
    expect(scene.pings(20)).toBe(20);
    expect(ecnOf(scene.client)).toMatchObject({ state: 'capable', failure: '', marked: marked + 20, congestionExperienced: 0 });
  });

  test('or for three probe timeouts', () => {
    const { ecn, states } = new Part().sends(3, 1_000);
    expect(ecn.codepoint(1_000 + 3 * 50_000 - 1, 0, QUICK)).toBe(ECT_0);
    expect(ecn.codepoint(1_000 + 3 * 50_000, 0, QUICK)).toBe(0);
    expect(states).toEqual(['testing', 'unknown']);
  });

  test('marks are answered once the path is known to be capable, and none is forgotten (RFC 9002 §7.1)', () => {
    const part = new Part().sends(10);
    expect(part.hears(2, 0, 2)).toBe(0);
    expect(part.states.at(-1)).toBe('unknown');
    expect(part.hears(1, 1, 0)).toBe(2);
    expect(part.states.at(-1)).toBe('capable');
    part.sends(2);
    expect(part.hears(2, 1, 1)).toBe(1);
  });

  test('it fails when all that was marked is lost, and what was not arrives', () => {
    const client = new Pair({
      ecn: asTheyAre,
      drop: (direction, n) => direction === 'up' && client.left.filter((one) => one.direction === 'up')[n - 1]!.ecn !== 0,
    });
    client.run(20_000_000, () => !client.connection.handshakeComplete);
    client.run(client.now + 1_000_000);
    expect(client.clientObserver.ecnStates).toEqual(['0: testing', '0: unknown', '0: failed, all-lost']);
    expect(client.connection.handshakeComplete).toBe(true);
  });

  test('it fails when all that was marked came as CE, and the window is not reduced for it', () => {
    const pair = new Pair({ ecn: (_direction, _n, ecn) => (ecn === ECT_0 ? CE : ecn) }).handshake();
    for (let i = 0; i < 12; i++) {
      pair.connection.ping();
      pair.run(pair.now + 50_000);
    }
    expect(pair.clientObserver.ecnStates).toEqual(['0: testing', '0: unknown', '0: failed, all-ce']);
    expect(pair.serverObserver.ecnStates).not.toContain('0: capable');
    const { congestionWindow, paths } = pair.connection.stats();
    expect(congestionWindow).toBeGreaterThanOrEqual(12_000);
    expect(paths[0]!.ecn).toMatchObject({ receivedEct0: 0 });
    expect(paths[0]!.ecn.receivedCe).toBeGreaterThan(0);
  });

  test('without ECN by configuration nothing is marked; what comes marked is reported all the same (§13.4.1)', () => {
    const pair = new Pair({ ecn: asTheyAre, clientConfig: { ecn: false } }).handshake();
    pair.run(pair.now + 1_000_000);
    expect(new Set(pair.clientObserver.marks)).toEqual(new Set([0]));
    expect(ecnOf(pair.connection)).toMatchObject({ state: 'disabled', marked: 0 });
    expect(ecnOf(pair.connection).receivedEct0).toBeGreaterThan(0);
    expect(pair.serverObserver.received.some((packet) => packet.frames.some(([type]) => type === FrameType.ACK_ECN))).toBe(true);
    expect(pair.serverObserver.ecnStates.some((state) => state.includes('failed'))).toBe(false);
  });

  test('where the system lets nobody at the bits, the path says so, and no frame speaks of them', () => {
    const pair = new Pair().handshake();
    for (const [connection, observer] of [
      [pair.connection, pair.clientObserver],
      [pair.accepted!, pair.serverObserver],
    ] as const) {
      expect(ecnOf(connection)).toMatchObject({ state: 'unsupported', marked: 0, receivedEct0: 0 });
      expect(observer.ecnStates).toEqual(['0: unsupported']);
      expect(observer.received.some((packet) => packet.frames.some(([type]) => type === FrameType.ACK_ECN))).toBe(false);
    }
  });
});

describe('counts are believed only if they can be true (RFC 9000 §13.4.2.1)', () => {
  const lies: [string, string, (scene: Scene) => EcnCounts | null][] = [
    ['are not there', 'no-counts', () => null],
    ['rise by less than what is acknowledged', 'too-few', ({ ect0, ce }) => ({ ect0: ect0 - 1, ect1: 0, ce })],
    ['do not rise', 'too-few', ({ ect0, ce }) => ({ ect0: ect0 - 3, ect1: 0, ce })],
    ['fall, though their sum rises', 'fewer', ({ ect0, ce }) => ({ ect0: ect0 - 4, ect1: 0, ce: ce + 10 })],
    ['are of ECT(1), which was never sent', 'ect1', ({ ect0, ce }) => ({ ect0: ect0 - 1, ect1: 1, ce })],
    ['of ECT(0) are more than were sent', 'too-many', ({ ect0, ce }) => ({ ect0: ect0 + 1, ect1: 0, ce })],
    ['of CE are more than were sent', 'too-many', ({ ect0, ce }) => ({ ect0, ect1: 0, ce: ce + 1 })],
    ['are absurd', 'too-many', ({ ect0 }) => ({ ect0, ect1: 0, ce: Number.MAX_SAFE_INTEGER })],
  ];

  test.each(lies)('a path fails when the counts of an ACK %s: %s', (_what, failure, lie) => {
    const scene = new Scene().capable();
    expect(scene.pings(3)).toBe(3);
    const { window } = scene;
    scene.report(lie(scene));
    expect(scene.states.at(-1)).toBe(`0: failed, ${failure}`);
    expect(ecnOf(scene.client)).toMatchObject({ state: 'failed', failure, congestionExperienced: 0 });
    expect(scene.pings(5)).toBe(0); // MUST disable ECN: nothing is marked any more (§13.4.2.2)
    scene.report({ ect0: 0, ect1: 9, ce: 1_000 }); // and nothing believed
    expect(scene.states.at(-1)).toBe(`0: failed, ${failure}`);
    expect(scene.window).toBeGreaterThanOrEqual(window);
    expect(scene.client.state).toBe('open');
  });

  test.each([
    ['no-counts', (part: Part) => part.hears(1)],
    ['too-few', (part: Part) => part.hears(3, 1, 1)],
    ['ect1', (part: Part) => part.hears(1, 1, 0, 1)],
    ['too-many', (part: Part) => part.hears(1, 8, 3)],
    ['fewer', (part: Part) => [part.hears(3, 3, 0), part.hears(1, -1, 2)]],
  ] as const)('also while it is tested: %s', (failure, lie) => {
    for (const packets of [9, 10]) {
      const part = new Part().sends(packets);
      lie(part);
      expect(part.states).toEqual(['testing', ...(packets === 10 ? ['unknown'] : []), ...part.passed, `failed, ${failure}`]);
      expect(part.ecn.codepoint(0, 0, SLOW)).toBe(0);
    }
  });

  test('a path is not blamed for what another one does to marks', () => {
    const { counting, ecn } = new Part().sends(10);
    const ack = Object.assign(new AckRecord(), { hasEcn: true, ect0: 3, ect1: 50, ce: 400 });
    counting.excuse(ack, ecn.marked); // of packets that went elsewhere
    expect(ecn.onCounts(counting, Object.assign(ack, { ect0: 4 }), 1)).toBe(0);
    expect(ecn.failure).toBe('');
    ecn.onCounts(counting, Object.assign(ack, { ect0: 5, ect1: 51 }), 1);
    expect(ecn.failure).toBe('ect1');
  });

  test('an ACK that does not raise the largest acknowledged is passed over, whatever it says', () => {
    const scene = new Scene().capable();
    scene.pings(6);
    const { largest } = scene;
    const ranges = new RangeSet();
    ranges.add(largest, largest + 1);
    scene.peer.send('application', (w) => writeAck(w, ranges, 0, 1, 1_000, scene)); // the newest overtakes …
    const { window } = scene;
    for (const counts of [null, { ect0: 0, ect1: 0, ce: 0 }, { ect0: 0, ect1: 77, ce: 1_000 }]) scene.report(counts, largest - 1); // … the others
    expect(ecnOf(scene.client)).toMatchObject({ state: 'capable', congestionExperienced: 0 });
    expect(scene.window).toBeGreaterThanOrEqual(window);
    scene.pings(1);
    scene.report();
    expect(ecnOf(scene.client).state).toBe('capable');
  });

  test('counts may rise by more than is newly acknowledged: ACKs are lost, too', () => {
    const scene = new Scene().capable();
    scene.pings(8);
    const ranges = new RangeSet();
    ranges.add(scene.largest, scene.largest + 1);
    scene.peer.send('application', (w) => writeAck(w, ranges, 0, 1, 1_000, scene));
    expect(ecnOf(scene.client).state).toBe('capable');
  });

  test('counts are those of their packet number space: those of the handshake are not counted with 1-RTT packets', () => {
    const pair = new Pair({ ecn: asTheyAre }).handshake();
    pair.run(pair.now + 1_000_000);
    const levels = new Map<string, number>();
    for (const { level } of pair.clientObserver.sent) levels.set(level, (levels.get(level) ?? 0) + 1);
    const counted = new Map<string, number>();
    for (const [n, { level, frames: list }] of pair.clientObserver.received.entries())
      if (list.some(([type]) => type === FrameType.ACK_ECN)) counted.set(level, n);
    expect([...levels.keys()]).toEqual(['initial', 'handshake', 'application']);
    expect([...counted.keys()]).toEqual(['initial', 'handshake', 'application'].filter((level) => counted.has(level)));
    expect(ecnOf(pair.connection).failure).toBe('');
    expect(ecnOf(pair.accepted!).failure).toBe('');
  });
});

describe('congestion that is marked (RFC 9002 §7.1, Appendix B.7)', () => {
  test('one mark reduces the window, further ones of the same round trip do not, one of the next does', () => {
    const congestion: Policies['congestion'] = ({ maxDatagramSize }) => newReno({ maxDatagramSize, prr: false });
    const scene = new Scene({ clientPolicies: { congestion } }).capable();
    const windows = [scene.window];
    const step = (as: 'ect0' | 'ce'): void => {
      scene.pings(2, as);
      scene.report();
      windows.push(scene.window);
    };
    step('ce');
    expect(windows[1]).toBe(Math.floor(windows[0]! / 2));
    const before = scene.window;
    scene.pings(4, '');
    const { largest } = scene;
    scene.ect0++;
    scene.ce++;
    scene.report(scene, largest - 2); // begins another period …
    const during = scene.window;
    expect(during).toBeLessThan(before);
    scene.ect0++;
    scene.ce++;
    scene.report(scene, largest); // … of which this one still is: it left before the period began
    expect(scene.window).toBe(during);
    step('ce');
    expect(scene.window).toBeLessThan(during);
    expect(ecnOf(scene.client).congestionExperienced).toBe(6);
    expect(scene.client.stats()).toMatchObject({ packetsLost: 0, persistentCongestions: 0 });
  });
});

describe('what is counted and reported (RFC 9000 §13.4.1)', () => {
  const counts = (packets: readonly ReadPacket[]): readonly number[] | undefined =>
    (find(packets, 'ACK_ECN') ?? find(packets, 'ACK'))?.counts;

  test('each packet once, as its datagram came; not those that were counted, or cannot be read; CE at once (§13.2.1)', () => {
    const scene = new Scene();
    const { peer } = scene;
    const ping = () => peer.packet('application', frames(writePing));
    const came = counts(peer.sendDatagram(ping()))![0]!; // behind a gap in numbers: acknowledged at once
    expect(peer.sendDatagram(ping(), ECT_0)).toEqual([]); // one may wait
    expect(counts(peer.sendDatagram(ping(), CE))).toEqual([came + 1, 0, 1]);
    expect(counts(peer.sendDatagram(ping(), CE))).toEqual([came + 1, 0, 2]); // not every second: each
    peer.sendDatagram(ping(), 1);
    expect(counts(peer.sendDatagram(ping(), 0))).toEqual([came + 1, 1, 2]);
    const again = ping();
    peer.sendDatagram(again.slice(), ECT_0);
    peer.sendDatagram(again.slice(), CE); // a copy that somebody has marked
    const forged = ping();
    forged[forged.length - 1]! ^= 1;
    peer.sendDatagram(forged, CE);
    expect(counts(peer.sendDatagram(ping(), ECT_0))).toEqual([came + 3, 1, 2]);
    expect(ecnOf(scene.client)).toMatchObject({ receivedEct1: 1, receivedCe: 2 });
  });
});

describe('a capable path goes silent', () => {
  test('after three probe timeouts probes leave unmarked, and the path is tested once more (§13.4.2.2)', () => {
    let lossy = false;
    const dropped: number[] = [];
    const pair: Pair = new Pair({
      ecn: asTheyAre,
      drop: (direction) => {
        if (!lossy) return false;
        const { ecn } = pair.left.at(-1)!;
        const lost = direction === 'up' && ecn !== 0;
        if (lost) dropped.push(ecn);
        return lost;
      },
    });
    pair.handshake();
    const ping = (count: number): void => {
      for (let i = 0; i < count; i++) {
        pair.connection.ping();
        pair.run(pair.now + 200_000);
      }
    };
    ping(12);
    expect(ecnOf(pair.connection).state).toBe('capable');
    lossy = true; // from now on the path loses what is marked
    ping(1);
    pair.run(pair.now + 5_000_000);
    expect(dropped.length).toBeGreaterThan(3);
    ping(40);
    expect(pair.clientObserver.ecnStates.slice(-4)).toEqual(['0: unknown', '0: testing', '0: unknown', '0: failed, all-lost']);
    expect(pair.connection.state).toBe('open');
  });

  test('an outage that has nothing to do with marks costs no more than the test', () => {
    let out = false;
    const pair = new Pair({ ecn: asTheyAre, drop: () => out }).handshake();
    const ping = (count: number): void => {
      for (let i = 0; i < count; i++) {
        pair.connection.ping();
        pair.run(pair.now + 200_000);
      }
    };
    ping(12);
    out = true;
    ping(10);
    expect(ecnOf(pair.connection).state).toBe('unknown');
    out = false;
    pair.run(pair.now + 10_000_000);
    ping(15);
    expect(pair.clientObserver.ecnStates.slice(-3)).toEqual(['0: testing', '0: unknown', '0: capable']);
  });
});
