import { fixedWindow, unpaced } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import type { LinkConfig } from '@quiclab/impair';
import { type InfluenceMatrices, influenceMatrices, PARITY_PROFILE, type Profile } from '@quiclab/lab';
import { MILLISECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { equalObjects } from './one-loss.ts';

// Influence under parity: every packet of the way down is dropped in turn, under h2 and under h3. EXPERIMENTS §4.

const crypto = nullProtection(nodeProvider);
const delay = 20 * MILLISECOND;
const page = equalObjects(4, 16_000);
const PLENTY = 1 << 24;

/** A window that nothing changes and that holds the page, and no pacer. */
const atOnce: Profile = {
  ...PARITY_PROFILE,
  quic: {
    ...PARITY_PROFILE.quic,
    policies: { ...PARITY_PROFILE.quic.policies, congestion: () => fixedWindow(PLENTY), pacer: () => unpaced },
  },
  tcp: {
    ...PARITY_PROFILE.tcp,
    policies: { ...PARITY_PROFILE.tcp.policies, congestion: () => fixedWindow(PLENTY), pacer: () => unpaced },
  },
};

const SCENES: Readonly<Record<string, { readonly profile: Profile; readonly link: LinkConfig }>> = {
  'paced CUBIC at 10 Mbit/s': { profile: PARITY_PROFILE, link: { delay, rate: 10_000_000 } },
  'all at once, without a rate limit': { profile: atOnce, link: { delay } },
};

function matricesOf(model: 'h2' | 'h3', { profile, link }: (typeof SCENES)[string]): InfluenceMatrices {
  const matrices = influenceMatrices({
    model,
    seed: 1,
    page,
    source: () => new Uint8Array(16_000),
    links: { up: link, down: link },
    profile,
    ends: { crypto },
  });
  expect([matrices.failed, matrices.queueDrops]).toEqual([[], 0]);
  return matrices;
}

describe.each(Object.entries(SCENES))('%s (EXPERIMENTS §4)', (_name, scene) => {
  test('h2: exactly the streams with an octet that comes between the hole and its repair wait', () => {
    const wrong: string[] = [];
    let others = 0;
    for (const { lost, largestWait, carried, between } of matricesOf('h2', scene).rows)
      for (const [stream, wait] of largestWait.entries()) {
        if (wait > 0 !== between.includes(stream)) wrong.push(`segment ${lost} lost: stream ${stream} waits ${wait} µs`);
        if (wait > 0 && !carried.includes(stream)) others++;
      }
    expect(wrong).toEqual([]);
    expect(others).toBeGreaterThan(100); // most of them had nothing in the segment
  });

  test('h3: no stream waits that had no octet in the packet', () => {
    const wrong: string[] = [];
    let own = 0;
    for (const { lost, largestWait, carried } of matricesOf('h3', scene).rows)
      for (const [stream, wait] of largestWait.entries())
        if (carried.includes(stream)) own += wait > 0 ? 1 : 0;
        else if (wait !== 0) wrong.push(`packet ${lost} lost: stream ${stream} waits ${wait} µs`);
    expect(wrong).toEqual([]);
    expect(own).toBeGreaterThan(40);
  });
});
