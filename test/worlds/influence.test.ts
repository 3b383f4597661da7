import { fixedWindow, unpaced } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { type LinkConfig, listed } from '@quiclab/impair';
import { ledgerOf, PARITY_PROFILE, type Profile, piecesOn, type RunRecord, runSimulated } from '@quiclab/lab';
import { type Influence, influence, type Ledger, type Piece } from '@quiclab/ledger';
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

function fetchPage(model: 'h2' | 'h3', { profile, link }: (typeof SCENES)[string], lost?: number): RunRecord {
  return runSimulated({
    model,
    seed: 1,
    page,
    source: () => new Uint8Array(16_000),
    links: { up: link, down: lost === undefined ? link : { ...link, loss: listed(lost) } },
    profile,
    ends: { crypto },
  });
}

/** Whose octets lie in a stretch of a carrier. */
function ownersWithin(ledger: Ledger, { carrier, offset, length }: Piece): number[] {
  const owners = ledger.replays().get(carrier)?.owners;
  const found: number[] = [];
  if (owners === undefined) return found;
  for (let i = owners.indexOf(offset); i < owners.count && owners.start(i) < offset + length; i++) {
    const owner = owners.owner(i);
    if (owner !== 'connection') found.push(owner);
  }
  return found;
}

interface OneLoss {
  readonly lost: number;
  readonly influences: readonly Influence[];
  /** Exchanges with octets in the dropped packet. */
  readonly carried: ReadonlySet<number>;
  /** Exchanges with an octet behind the hole that came between the hole and its repair. */
  readonly between: ReadonlySet<number>;
}

function* eachLoss(model: 'h2' | 'h3', scene: (typeof SCENES)[string]): Generator<OneLoss> {
  const base = fetchPage(model, scene);
  const before = ledgerOf(base);
  for (let lost = 1; lost <= base.down.entered; lost++) {
    const record = fetchPage(model, scene, lost);
    const after = ledgerOf(record);
    const pieces = piecesOn(record, 'down')[lost - 1]!;
    const carried = new Set(pieces.flatMap((piece) => ownersWithin(after, piece)));
    const hole = record.down.drops[0]!.at + delay; // when the lost copy would have come
    const between = new Set(pieces.flatMap((piece) => cameBetween(after, piece, hole)));
    yield { lost, influences: influence(before, after), carried, between };
  }
}

function cameBetween(ledger: Ledger, piece: Piece, hole: number): number[] {
  const segments = ledger.replays().get(piece.carrier)?.segments ?? [];
  const end = piece.offset + piece.length;
  const repaired = Math.max(...segments.filter((each) => each.start < end && each.end > piece.offset).map(({ arrived }) => arrived));
  return segments
    .filter(({ start, arrived }) => start >= end && arrived >= hole && arrived < repaired)
    .flatMap(({ start, end: to }) => ownersWithin(ledger, { carrier: piece.carrier, offset: start, length: to - start }));
}

describe.each(Object.entries(SCENES))('%s (EXPERIMENTS §4)', (_name, scene) => {
  test('h2: exactly the streams with an octet that comes between the hole and its repair wait', () => {
    const wrong: string[] = [];
    let others = 0;
    for (const { lost, influences, carried, between } of eachLoss('h2', scene))
      for (const { exchange, largestWait } of influences) {
        if (largestWait > 0 !== between.has(exchange)) wrong.push(`segment ${lost} lost: stream ${exchange} waits ${largestWait} µs`);
        if (largestWait > 0 && !carried.has(exchange)) others++;
      }
    expect(wrong).toEqual([]);
    expect(others).toBeGreaterThan(100); // most of them had nothing in the segment
  });

  test('h3: no stream waits that had no octet in the packet', () => {
    const wrong: string[] = [];
    let own = 0;
    for (const { lost, influences, carried } of eachLoss('h3', scene))
      for (const { exchange, largestWait } of influences)
        if (carried.has(exchange)) own += largestWait > 0 ? 1 : 0;
        else if (largestWait !== 0) wrong.push(`packet ${lost} lost: stream ${exchange} waits ${largestWait} µs`);
    expect(wrong).toEqual([]);
    expect(own).toBeGreaterThan(40);
  });
});
