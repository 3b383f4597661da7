import { NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ackPolicyCases, lossDetectorCases, probePolicyCases } from '../src/contract.ts';
import {
  type AckPolicy,
  ackByTime,
  ackEvery,
  ackEverySecond,
  adaptiveThreshold,
  immediateAcks,
  lossDelay,
  packetAndTimeThreshold,
  singleProbes,
  standardProbes,
  tailLossProbes,
} from '../src/index.ts';

const detectors = {
  packetAndTimeThreshold: () => packetAndTimeThreshold(),
  adaptiveThreshold: () => adaptiveThreshold(),
  'packetAndTimeThreshold by time alone': () => packetAndTimeThreshold({ packetThreshold: Number.POSITIVE_INFINITY }),
  'packetAndTimeThreshold with a threshold of 5/4': () => packetAndTimeThreshold({ timeThreshold: 5 / 4, packetThreshold: 10 }),
};
for (const [name, make] of Object.entries(detectors)) {
  describe(`${name} as a loss detector`, () => {
    for (const { name, run } of lossDetectorCases) test(name, () => run(make));
  });
}

for (const [name, policy] of Object.entries({ standardProbes, singleProbes, tailLossProbes })) {
  describe(`${name} as a probe policy`, () => {
    for (const { name, run } of probePolicyCases) test(name, () => run(() => policy));
  });
}

const ackPolicies = {
  immediateAcks: () => immediateAcks,
  ackEverySecond: () => ackEverySecond(),
  'ackEvery(10)': () => ackEvery(10, { reorderingThreshold: 3 }),
  ackByTime: () => ackByTime(),
};
for (const [name, make] of Object.entries(ackPolicies)) {
  describe(`${name} as an ACK policy`, () => {
    for (const { name, run } of ackPolicyCases) test(name, () => run(make));
  });
}

describe('the cases notice', () => {
  const refusals = <T>(cases: readonly { run(make: () => T): void }[], make: () => T): number =>
    cases.filter(({ run }) => {
      try {
        run(make);
        return false;
      } catch {
        return true;
      }
    }).length;

  test('a detector that rounds the other way than its timer', () => {
    const detector = packetAndTimeThreshold();
    const late = { ...detector, detect: (now: number, ...rest: [never, never]) => detector.detect(now - 1, ...rest) };
    expect(refusals(lossDetectorCases, () => late)).toBeGreaterThan(0);
  });

  test('a detector that never gives up, and one that gives up everything', () => {
    expect(refusals(lossDetectorCases, () => ({ packetThreshold: 3, detect: () => NEVER, onSpuriousLoss() {} }))).toBeGreaterThan(0);
    const hasty = packetAndTimeThreshold();
    hasty.detect = (now, sent, rtt) => {
      const oldest = sent.oldest();
      if (oldest !== undefined && oldest.sentAt + lossDelay(rtt) < now) sent.declareLost(oldest.packetNumber, 'time');
      return NEVER;
    };
    expect(refusals(lossDetectorCases, () => hasty)).toBeGreaterThan(0);
  });

  test('a detector that does otherwise than it says, and one that learns without end', () => {
    const threshold = packetAndTimeThreshold();
    expect(refusals(lossDetectorCases, () => ({ ...threshold, packetThreshold: 4 }))).toBe(1);
    expect(refusals(lossDetectorCases, () => ({ ...threshold, packetThreshold: NEVER }))).toBe(1);
    const endless = () => adaptiveThreshold({ mostPackets: NEVER, mostTime: NEVER });
    expect(refusals(lossDetectorCases, endless)).toBe(1);
  });

  test('a probe policy without a limit, and one that shrinks', () => {
    expect(
      refusals(probePolicyCases, () => ({ ...standardProbes, timeout: (rtt, delay, count) => (rtt.smoothed * 3 + delay) * 2 ** count })),
    ).toBe(1);
    expect(refusals(probePolicyCases, () => ({ ...standardProbes, timeout: () => 100_000 }))).toBe(1);
    expect(refusals(probePolicyCases, () => ({ ...standardProbes, datagrams: () => 3 }))).toBe(1);
  });

  test('an ACK policy that answers ACKs, and one that never answers', () => {
    expect(refusals(ackPolicyCases, () => ({ ...immediateAcks, onPacket: (now: number) => now }))).toBe(1);
    expect(refusals(ackPolicyCases, () => ({ ...immediateAcks, onPacket: () => NEVER }))).toBe(5);
  });

  test('an ACK policy that does not follow the peer', () => {
    const own = (): AckPolicy => {
      const policy = ackByTime();
      policy.onFrequency = () => {};
      return policy;
    };
    expect(refusals(ackPolicyCases, own)).toBe(2);
  });
});
