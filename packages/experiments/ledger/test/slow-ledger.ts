import type { Blame, BlockedInterval, Owner } from '@quiclab/ledger';

/** The slow twin of the replay: EXPERIMENTS §4 read aloud, octet by octet and microsecond by microsecond, for one carrier. */
export interface SlowAccount {
  intervals: BlockedInterval[];
  own: number;
  other: number;
  byteTime: number;
  late: number;
  bytes: number;
}

export function slowAccount(
  owners: readonly Owner[],
  arrivals: readonly { readonly at: number; readonly offset: number; readonly length: number }[],
  end: number,
  exchange: number,
): SlowAccount {
  const arrived: number[] = owners.map(() => Number.POSITIVE_INFINITY);
  for (const { at, offset, length } of arrivals) for (let i = offset; i < offset + length; i++) arrived[i] = Math.min(arrived[i]!, at);
  let latest = 0;
  const deliverable = arrived.map((at) => (latest = Math.max(latest, at)));

  const mine = owners.flatMap((owner, i) => (owner === exchange ? [i] : []));
  const here = mine.filter((i) => arrived[i]! < Number.POSITIVE_INFINITY);
  const account: SlowAccount = { intervals: [], own: 0, other: 0, byteTime: 0, late: 0, bytes: here.length };
  for (const i of here) {
    account.byteTime += Math.min(deliverable[i]!, end) - arrived[i]!;
    if (deliverable[i]! > arrived[i]!) account.late++;
  }
  for (let now = 0; now < end; now++) {
    const blocked = mine.some((i) => arrived[i]! <= now && deliverable[i]! > now);
    if (!blocked) continue;
    const m = mine.find((i) => deliverable[i]! > now)!;
    const blame: Blame = arrived[m]! > now ? 'own' : owners[arrived.findIndex((at) => at > now)]!;
    if (blame === 'own') account.own++;
    else account.other++;
    const last = account.intervals.at(-1);
    if (last !== undefined && last.to === now && last.blame === blame)
      account.intervals[account.intervals.length - 1] = { ...last, to: now + 1 };
    else account.intervals.push({ from: now, to: now + 1, blame });
  }
  return account;
}
