import { describe, expect, test } from 'vitest';
import { controllerCases, pacerCases, ratePacerCases } from '../src/contract.ts';
import { type CongestionController, fixedWindow, newReno, tokenPacer, unpaced } from '../src/index.ts';

const controllers: Record<string, () => CongestionController> = {
  newReno: () => newReno({ maxDatagramSize: 1200 }),
  'newReno with a window of 32 packets': () => newReno({ maxDatagramSize: 1200, initialWindow: { packets: 32 } }),
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
    const liar = { earliest: (now: number): number => now + 1, onSent(): void {} };
    expect(() => pacerCases[0]!.run(() => liar)).toThrow('promised');
  });

  test('a pacer that does not pace', () => {
    expect(() => ratePacerCases[0]!.run(() => unpaced)).toThrow('octets by');
  });
});
