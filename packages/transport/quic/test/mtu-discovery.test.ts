import { fixedWindow, newReno } from '@quiclab/congestion';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, Recorder } from './pair.ts';
import { established, findAll } from './scripted-peer.ts';

interface Update {
  readonly at: Micros;
  readonly before: number;
  readonly after: number;
  readonly done: boolean;
}

class Watching extends Recorder {
  readonly updates: Update[] = [];
  readonly phases = new Set<string>();
  override mtuUpdated(at: Micros, _path: number, before: number, after: number, done: boolean): void {
    this.updates.push({ at, before, after, done });
  }
  override recoveryUpdated(...[, , , , , , phase]: Parameters<Recorder['recoveryUpdated']>): void {
    this.phases.add(phase);
  }
}

/** Octets of the largest payload that a path carries, which a test may change. */
interface Road {
  carries: number;
}

/** A client that has more to say than a datagram holds. */
function upload(road: Road, options: PairOptions = {}) {
  const observer = new Watching();
  let received = 0;
  const pair = new Pair({
    ...options,
    config: { mtuDiscovery: true, sendBuffer: 1 << 25, sendAhead: 1 << 25, ...options.config },
    clientPolicies: { observer: () => observer },
    drop: (direction, n, bytes) => bytes.length > road.carries || (options.drop?.(direction, n, bytes) ?? false),
    serve: (one, event) => {
      if (event.type !== 'stream-readable') return;
      for (let piece = one.accepted!.read(one.now, event.id); piece !== undefined; piece = one.accepted!.read(one.now, event.id))
        received += piece.data.length;
    },
  }).handshake();
  const id = pair.connection.openStream('uni')!;
  let written = 0;
  const write = (octets: number): void => {
    expect(pair.connection.write(pair.now, id, new Uint8Array(octets))).toBe(octets);
    written += octets;
  };
  /** Writes more, and lets all arrive that was ever written. Returns how long that took. */
  const send = (octets: number): Micros => {
    const began = pair.now;
    write(octets);
    pair.run(began + 60 * SECOND, () => received < written);
    expect(received).toBe(written);
    return pair.now - began;
  };
  const path = () => pair.connection.stats().paths[0]!;
  return {
    pair,
    observer,
    received: () => received,
    path,
    write,
    send,
    /** Sends until nothing larger is looked for. */
    search() {
      for (let i = 0; i < 100 && path().mtuDiscovery !== 'complete'; i++) send(200_000);
      expect(path().mtuDiscovery).toBe('complete');
    },
    /** Octets of the datagrams that the client sent. */
    sizes: () => pair.left.filter(({ direction }) => direction === 'up').map(({ bytes }) => bytes.length),
    /** Its MTU probes: nothing but PING and PADDING in a large packet. */
    probes: () =>
      observer.sent.filter(
        ({ frames, bytes, level }) =>
          level === 'application' && bytes >= 1200 && frames.length === 2 && frames[0]![0] === FrameType.PING && frames[1]![0] === 0,
      ),
  };
}

const MEGABYTES = 1_900_000;

describe('path MTU discovery (RFC 9000 §14.3)', () => {
  test.each([
    [1200, 1200],
    [1232, 1232],
    [1472, 1472],
    [1500, 1472],
    [8972, 8972],
  ])('over a path that carries %i octets, datagrams become %i; nothing else is lost, and congestion is none (§14.4)', (carries, found) => {
    const { search, path, observer, probes, pair } = upload({ carries });
    search();
    const { maxDatagramSize, mtuDiscovery, mtuProbesSent, mtuProbesLost, packetsLost, blackHoles } = path();
    expect([maxDatagramSize, mtuDiscovery, blackHoles]).toEqual([found, 'complete', 0]);
    expect(observer.updates.at(-1)).toMatchObject({ after: found, done: true });
    expect(mtuProbesSent).toBe(probes().length);
    expect(packetsLost).toBe(mtuProbesLost);
    expect([...observer.phases].filter((phase) => phase === 'recovery')).toEqual([]);
    expect(pair.connection.stats()).toMatchObject({ persistentCongestions: 0, probes: 0 });
  });

  test('where the interface is known one probe is enough, and none is larger', () => {
    const { send, sizes, probes, observer } = upload({ carries: 1472 }, { maxProbeSize: () => 1472 });
    send(MEGABYTES);
    expect(observer.updates.map(({ before, after, done }) => [before, after, done])).toEqual([[1200, 1472, true]]);
    expect(probes().map(({ bytes }) => bytes)).toEqual([1472]);
    expect(Math.max(...sizes())).toBe(1472);
  });

  test('a probe asks to be acknowledged, carries nothing that would be missed, and only one is under way (§14.4)', () => {
    const { search, probes, observer } = upload({ carries: 8972 });
    search();
    expect(probes().length).toBeGreaterThan(5);
    expect(probes().every(({ ackEliciting }) => ackEliciting)).toBe(true);
    for (const [i, probe] of probes().entries()) if (i > 0) expect(probe.at - probes()[i - 1]!.at).toBeGreaterThanOrEqual(20 * MILLISECOND);
    expect(observer.lost.every((number) => probes().some(({ packetNumber }) => packetNumber === number))).toBe(true);
  });

  test('both ends look for themselves, each for its own direction', () => {
    const { pair, search } = upload({ carries: 1472 });
    search();
    expect(pair.accepted!.stats().paths[0]!.maxDatagramSize).toBe(1200);
    const id = pair.accepted!.openStream('uni')!;
    for (let i = 0; i < 20; i++) {
      pair.accepted!.write(pair.now, id, new Uint8Array(20_000));
      pair.run(pair.now + SECOND);
    }
    expect(pair.accepted!.stats().paths[0]!.maxDatagramSize).toBe(1472);
  });

  test('whoever does not ask for it gets datagrams of the size that was set', () => {
    const { send, sizes, path } = upload({ carries: 65_507 }, { config: { mtuDiscovery: false, datagramSize: 1300 } });
    send(MEGABYTES);
    expect(Math.max(...sizes())).toBe(1300);
    expect(path()).toMatchObject({ mtuDiscovery: 'off', maxDatagramSize: 1300, mtuProbesSent: 0 });
  });

  test('not before the handshake is confirmed, and not for one who has little to say', () => {
    const { pair, observer, send, sizes, path } = upload({ carries: 8972 });
    for (let i = 0; i < 50; i++) send(900);
    pair.run(pair.now + 10 * SECOND);
    expect(Math.max(...sizes())).toBe(1200);
    expect([path().mtuDiscovery, observer.updates]).toEqual(['off', []]);
    const early = new Pair({ config: { mtuDiscovery: true }, oneWayDelay: 100_000 });
    early.run(early.now + 5 * SECOND);
    expect(early.connection.stats().paths[0]!.mtuProbesSent).toBe(0);
  });

  test("nothing is larger than the peer's max_udp_payload_size (§18.2)", () => {
    const { search, sizes, path } = upload({ carries: 65_507 }, { serverConfig: { maxUdpPayloadSize: 4_000 } });
    search();
    expect(Math.max(...sizes())).toBe(4_000);
    expect(path()).toMatchObject({ maxDatagramSize: 4_000, mtuProbesLost: 0 });
  });

  test('a probe that is lost by chance is sent again', () => {
    let probes = 0;
    const { send, path } = upload(
      { carries: 1472 },
      { maxProbeSize: () => 1472, drop: (_direction, _n, bytes) => bytes.length === 1472 && ++probes <= 2 },
    );
    send(MEGABYTES);
    expect(path()).toMatchObject({ maxDatagramSize: 1472, mtuProbesSent: 3, mtuProbesLost: 2, blackHoles: 0 });
  });

  test('a probe that comes so late that it was given up has come', () => {
    let probes = 0;
    const { send, path, observer } = upload(
      { carries: 65_507 },
      {
        maxProbeSize: () => 1472,
        impair: (_direction, _n, bytes) => [{ late: bytes.length === 1472 && ++probes === 1 ? 15 * MILLISECOND : 0, bytes }],
      },
    );
    send(MEGABYTES);
    expect(path()).toMatchObject({ maxDatagramSize: 1472, mtuProbesSent: 2, mtuProbesLost: 1 });
    expect(observer.updates).toEqual([{ at: 75 * MILLISECOND, before: 1200, after: 1472, done: true }]);
  });

  test('the window holds a probe and as much again, and is never overdrawn for one (RFC 9000 §14.2, RFC 8899 §3)', () => {
    const { search, probes, pair, observer } = upload({ carries: 65_507 });
    const windows: number[] = [];
    observer.recoveryUpdated = (_now, _path, window, bytesInFlight) => {
      expect(bytesInFlight).toBeLessThanOrEqual(window);
      windows.push(window);
    };
    search();
    expect(probes().at(-1)!.bytes).toBe(65_527); // what UDP over IPv6 may have; lost here
    expect(pair.connection.stats().paths[0]!.maxDatagramSize).toBe(65_507);
    for (const [i, window] of windows.entries()) if (i > 0) expect(window).toBeGreaterThanOrEqual(Math.min(12_000, windows[i - 1]!));
  });

  test('the one packet that may leave beyond the window on entering recovery is a repair, and no probe (RFC 9002 §7.3.2)', () => {
    const overdrawn: string[] = [];
    for (let every = 10; every < 30; every++) {
      // without PRR the window falls below what is in flight, and only that packet may leave
      const congestion: PairOptions['clientPolicies'] = { congestion: ({ maxDatagramSize }) => newReno({ maxDatagramSize, prr: false }) };
      const { search, observer } = upload(
        { carries: 8972 },
        { policies: congestion, drop: (direction, n) => direction === 'up' && n > 20 && n % every === 0 },
      );
      let last = '';
      observer.packetSent = (_now, { mtuProbe, frames }) => {
        const repairs = Array.from({ length: frames.length }, (_, i) => frames.type(i) & ~1).includes(FrameType.STREAM);
        last = mtuProbe ? 'MTU probe' : repairs ? 'STREAM' : '';
      };
      observer.recoveryUpdated = (_now, _path, window, bytesInFlight) => {
        if (last !== '' && bytesInFlight > window) overdrawn.push(last);
        last = '';
      };
      search();
    }
    expect(overdrawn.length).toBeGreaterThan(20);
    expect(new Set(overdrawn)).toEqual(new Set(['STREAM']));
  });

  test('a probe does not leave with a key that has sealed as many packets as it may (RFC 9001 §6.6)', () => {
    for (const packetsPerKey of [12, 13, 14, 15]) {
      // more than are in flight, so that an update never has to wait for an ACK
      const { search, observer, path } = upload(
        { carries: 1_300 },
        { config: { packetsPerKey }, policies: { congestion: () => fixedWindow(12_000) } },
      );
      const sealed: number[] = [];
      observer.packetSent = (_now, { keyPhase }) => {
        if (keyPhase >= 0) sealed[keyPhase] = (sealed[keyPhase] ?? 0) + 1;
      };
      search();
      expect(path().mtuProbesSent).toBeGreaterThan(9);
      expect(sealed.length).toBeGreaterThan(9);
      expect(Math.max(...sealed)).toBe(packetsPerKey);
    }
  });

  test('one who acknowledges what never came hurts himself: the connection goes on, and finds out (§21.4)', () => {
    const { pair, peer, victim } = established('client', { config: { mtuDiscovery: true } });
    victim.write(pair.now, victim.openStream('uni')!, new Uint8Array(100_000));
    for (let i = 0; i < 20; i++) {
      peer.wait(pair.now + 10 * MILLISECOND);
      peer.ackAll();
    }
    expect(victim.stats().paths[0]!.maxDatagramSize).toBeGreaterThan(1200);
    expect(victim.state).toBe('open');
    expect(findAll(peer.heard, 'STREAM').reduce((sum, { data }) => sum + data.length, 0)).toBe(100_000);
  });

  test('DATAGRAM frames may be as large as the path allows', () => {
    const { search, pair } = upload({ carries: 8972 }, { config: { maxDatagramFrameSize: 65_535 } });
    expect(pair.connection.maxDatagramSize).toBe(1200 - 30);
    search();
    const { maxDatagramSize } = pair.connection;
    expect(maxDatagramSize).toBe(8972 - 30);
    pair.connection.sendDatagram(new Uint8Array(maxDatagramSize));
    pair.run(pair.now + SECOND);
    expect(pair.serverEvents.some((event) => event.type === 'datagram' && event.data.length === maxDatagramSize)).toBe(true);
  });
});

describe('a black hole (RFC 8899 §4.3)', () => {
  test.each([
    [8972, 1472],
    [8972, 1200],
    [1472, 1252],
    [65_507, 1300],
  ])('a path that carried %i octets and carries %i from now on: the transfer goes on, and the new size is found', (before, after) => {
    const road = { carries: before };
    const { pair, search, send, path, write, received } = upload(road);
    search();
    const usual = send(1_000_000);
    write(1_000_000);
    pair.run(pair.now + 12 * MILLISECOND); // in the middle of it
    road.carries = after;
    expect(path().bytesSent - received()).toBeGreaterThan(100_000);
    const took = send(1_000_000);
    expect(took).toBeLessThan(usual + SECOND / 2);
    search();
    const { maxDatagramSize, blackHoles } = path();
    expect([maxDatagramSize, blackHoles]).toEqual([after === 1300 ? 1272 : after, 1]);
    expect(pair.connection.stats().persistentCongestions).toBe(0);
  });

  test('probes after a timeout have 1,200 octets, so that they pass (RFC 9002 §6.2.4)', () => {
    const road = { carries: 8972 };
    const { pair, search, write, observer } = upload(road);
    search();
    road.carries = 1200;
    write(300_000);
    const from = pair.left.length;
    pair.run(pair.now + SECOND, () => observer.probes.length === 0);
    const [probe] = observer.probes;
    expect(
      observer.sent
        .filter(({ at }) => at === probe!.at)
        .map(({ bytes }) => bytes)
        .slice(0, 2),
    ).toEqual([1200, 1200]);
    expect(pair.left.slice(from).some(({ bytes }) => bytes.length === 8972)).toBe(true);
  });

  test('a pause of the whole path is taken for one, and put right by one probe', () => {
    const road = { carries: 8972 };
    const { pair, search, send, write, path } = upload(road);
    search();
    const { mtuProbesSent } = path();
    road.carries = 0;
    write(4_000_000); // more than the window: nothing but probes leaves when the path is back
    pair.run(pair.now + SECOND / 4);
    road.carries = 8972;
    send(MEGABYTES);
    expect(path()).toMatchObject({ maxDatagramSize: 8972, blackHoles: 1, mtuProbesSent: mtuProbesSent + 1 });
  });

  test('somebody on the path who drops all that is large cannot end the connection', () => {
    const road = { carries: 8972 };
    let spared = 0;
    const { pair, send, path } = upload(road, {
      // now and then one passes, so that hope remains: probes do, what follows does not
      drop: (_direction, n, bytes) => bytes.length > 1200 && n % 50 !== 0 && ++spared > 10,
    });
    for (let i = 0; i < 40; i++) send(200_000);
    expect(pair.connection.state).toBe('open');
    expect(path().blackHoles).toBeLessThan(6);
  });

  test('DATAGRAM frames that have become too large while they waited are told lost', () => {
    const road = { carries: 8972 };
    const { search, pair, write } = upload(road, { config: { maxDatagramFrameSize: 65_535 } });
    search();
    road.carries = 1200;
    const handles = [1, 2, 3, 4].map(() => pair.connection.sendDatagram(new Uint8Array(8_000)));
    write(200_000);
    pair.run(pair.now + 5 * SECOND);
    const lost = pair.clientEvents.flatMap((event) => (event.type === 'datagram-lost' ? [event.handle] : []));
    expect(lost).toEqual(handles);
    expect(pair.connection.maxDatagramSize).toBe(1170);
  });
});

test('two runs are the same, datagram by datagram', () => {
  const run = (): string => {
    const road = { carries: 8972 };
    const { pair, send } = upload(road);
    send(MEGABYTES);
    road.carries = 1472;
    send(MEGABYTES);
    return JSON.stringify(pair.left.map(({ at, direction, bytes }) => [at, direction, bytes.length, bytes.at(-1)]));
  };
  expect(run()).toBe(run());
});
