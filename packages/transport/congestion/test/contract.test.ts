import { describe, expect, test } from 'vitest';
import { controllerCases, pacerCases, ratePacerCases } from '../src/contract.ts';
import { type CongestionController, cubic, fixedWindow, newReno, tokenPacer, unpaced, wholeCubic } from '../src/index.ts';

const controllers: Record<string, () => CongestionController> = {
  newReno: () => newReno({ maxDatagramSize: 1200 }),
  'newReno with a window of 32 packets': () => newReno({ maxDatagramSize: 1200, initialWindow: { packets: 32 } }),
  'newReno with all that it can have': () => newReno({ maxDatagramSize: 1200, hyStart: true, idleRestart: true }),
  'newReno without any of it': () => newReno({ maxDatagramSize: 1200, prr: false, undo: false }),
  'newReno with a threshold': () => newReno({ maxDatagramSize: 1200, initialSlowStartThreshold: { packets: 12 } }),
  cubic: () => cubic({ maxDatagramSize: 1200 }),
  'cubic without any of it': () => cubic({ maxDatagramSize: 1200, hyStart: false, prr: false, undo: false, fastConvergence: false }),
  'cubic with a threshold': () => cubic({ maxDatagramSize: 1200, initialSlowStartThreshold: { packets: 12 } }),
  'cubic with idle restart': () => cubic({ maxDatagramSize: 1200, idleRestart: true }),
  wholeCubic: () => wholeCubic({ maxDatagramSize: 1200 }),
  'wholeCubic with a threshold': () => wholeCubic({ maxDatagramSize: 1200, initialSlowStartThreshold: { packets: 12 } }),
  fixedWindow: () => fixedWindow(100_000),
};
for (const [name, make] of Object.entries(controllers)) {
  describe(`${name} as a controller`, () => {
    for (const { name, run } of controllerCases) test(name, () => run(make));
  });
}

describe('tokenPacer as a pacer', () => {
  for (const { name, run } of [...pacerCases, ...ratePacerCases]) test(name, () => run(() => tokenPacer({ maxDatagramSize: 1200 })));
});

describe('unpaced as a pacer', () => {
  for (const { name, run } of pacerCases) test(name, () => run(() => unpaced));
});

describe('the cases notice', () => {
  const caught = (controller: Partial<CongestionController>): number =>
    controllerCases.filter(({ run }) => {
      try {
        run(() => ({ ...fixedWindow(12_000), ...controller }));
        return false;
      } catch {
        return true;
      }
    }).length;

  test('nothing about a sane controller', () => expect(caught({})).toBe(0));
  test('a window that holds nothing', () => expect(caught({ congestionWindow: 0 })).toBeGreaterThan(0));
  test('a window that is not whole', () => expect(caught({ congestionWindow: 12_000.5 })).toBeGreaterThan(0));
  test('a pacing rate without end', () => expect(caught({ pacingRate: Number.POSITIVE_INFINITY })).toBeGreaterThan(0));

  test('one that gives more back than it took', () => {
    let window = 12_000;
    const double = (): void => void (window *= 2);
    const generous = { ...fixedWindow(0), onSpuriousLoss: double };
    const failed = controllerCases.filter(({ run }) => {
      try {
        window = 12_000;
        run(() => Object.defineProperty({ ...generous }, 'congestionWindow', { get: () => window }));
        return false;
      } catch {
        return true;
      }
    });
    expect(failed.map(({ name }) => name.split(':')[0])).toEqual([
      'what arrives after all raises the window to what it was before the loss, at most (RFC 9438 §4.9.2)',
      'a late packet that it never heard was lost changes nothing',
    ]);
  });

  test('one that grows by the clock', () => {
    const byTheClock = (): CongestionController => {
      let window = 12_000;
      let since = 0;
      return Object.defineProperty(
        {
          ...fixedWindow(0),
          onAck: (now: number) => void (window += Math.floor((now - since) / 1_000)),
          onPacketSent: (now: number) => void (since = Math.min(since, now)),
        },
        'congestionWindow',
        { get: () => window },
      );
    };
    expect(() => controllerCases.find(({ name }) => name.startsWith('silence'))!.run(byTheClock)).toThrow('after a silence');
  });

  test('a window that grows whatever is said', () => {
    let window = 12_000;
    const grow = (): void => void (window += 1);
    const all = { onAck: grow, onLoss: grow };
    const caughtBy = controllerCases.filter(({ run }) => {
      try {
        window = 12_000;
        run(() => Object.defineProperty({ ...fixedWindow(0), ...all }, 'congestionWindow', { get: () => window }));
        return false;
      } catch {
        return true;
      }
    });
    expect(caughtBy.length).toBeGreaterThan(1);
  });

  test('a pacer that promises and does not keep it', () => {
    const liar = { earliest: (now: number): number => now + 1, onSent(): void {}, onMaxDatagramSize(): void {} };
    expect(() => pacerCases[0]!.run(() => liar)).toThrow('promised');
  });

  test('a pacer that does not pace', () => {
    expect(() => ratePacerCases[0]!.run(() => unpaced)).toThrow('octets by');
  });
});
