/** Does the simulator tell the truth? The same page, path and settings on sockets and in virtual time. EXPERIMENTS §6. */
import { bernoulli, type LinkConfig, uniformJitter } from '@quiclab/impair';
import type { ModelName, PathPlan } from '@quiclab/lab';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { medianPage, type Page } from '@quiclab/workload';

export const PAGE: Page = medianPage;
export const MODELS = ['h1-parallel', 'h2', 'h3'] as const satisfies readonly ModelName[];
export type FidelityModel = (typeof MODELS)[number];
/** Of the packets, both ways. */
export const LOSSES = [0, 0.01, 0.02] as const;
/** Without loss these few tell how much chance there is in the programs themselves. */
export const REAL_WITHOUT_LOSS = 10;
export const REAL_RUNS = 60;
export const SIMULATED_RUNS = 1_000;
export const SIMULATED_WITHOUT_LOSS = 100;
const JITTER: Micros = 100;
/** A run in which the relay was later for a hundredth of the packets is repeated. */
export const MOST_LATE: Micros = 5 * MILLISECOND;

export const pathOf = (loss: number): PathPlan => ({ delay: 25 * MILLISECOND, rate: 10e6, loss, queue: 64 });

/**
 * The same for the simulator's links; with a tenth of a millisecond more or less, as real ones vary by more than that: without loss every
 * seed would have the same run, and how six connections share a full queue hangs on microseconds.
 */
export const linkOf = (loss: number): LinkConfig => {
  const { delay, rate, queue } = pathOf(loss);
  return { delay, rate, queue: { packets: queue }, jitter: uniformJitter(JITTER), ...(loss > 0 && { loss: bernoulli(loss) }) };
};

/** How far the two may be apart: the ratio itself where nothing is lost, else the 95% interval of the ratio of medians. */
export const WITHIN = { withoutLoss: [0.97, 1.03], interval: [0.85, 1.15] } as const;
