/** The half in virtual time. */
import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { KERNEL_PROFILE, type RunRecord, runSimulated } from '@quiclab/lab';
import { contentOf } from '../pages.ts';
import { type FidelityModel, LOSSES, linkOf, MODELS, PAGE, SIMULATED_WITHOUT_LOSS } from './plan.ts';
import type { SimulatedRuns } from './record.ts';

const crypto = nullProtection(nodeProvider); // octets are as many as with protection
const source = contentOf(PAGE);

/** One run of it. */
export function simulate(model: FidelityModel, loss: number, seed: number): RunRecord {
  const link = linkOf(loss);
  return runSimulated({ model, seed, page: PAGE, source, profile: KERNEL_PROFILE, links: { up: link, down: link }, ends: { crypto } });
}

export const pageLoadOf = ({ startedAt, finishedAt }: RunRecord): number => finishedAt - startedAt;

/** All seeds of all models and rates. Between runs others have their turn. @param onRun  is told after each */
export async function simulateAll(runs: number, onRun: () => void): Promise<SimulatedRuns[]> {
  const all: SimulatedRuns[] = [];
  for (const loss of LOSSES)
    for (const model of MODELS) {
      const pageLoads: number[] = [];
      const sums = { up: 0, down: 0, dropped: 0 };
      const seeds = loss === 0 ? Math.min(runs, SIMULATED_WITHOUT_LOSS) : runs;
      for (let seed = 1; seed <= seeds; seed++) {
        const record = simulate(model, loss, seed);
        pageLoads.push(pageLoadOf(record));
        sums.up += record.up.entered;
        sums.down += record.down.entered;
        sums.dropped += record.down.queueDrops;
        onRun();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const mean = (sum: number): number => Math.round(sum / seeds);
      all.push({ model, loss, pageLoads, up: mean(sums.up), down: mean(sums.down), dropped: mean(sums.dropped) });
    }
  return all;
}
