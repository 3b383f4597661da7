import type { PlanRun } from '@quiclab/report';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import type { ModelName } from '../models/model.ts';
import type { PageLoad, PreparedPlan } from '../plan/prepare.ts';
import type { PathAsked } from '../tunnel/messages.ts';
import { Tunnel } from '../tunnel/namespaces.ts';
import { MOST_ATTEMPTS, type PageFetched, Stage } from '../tunnel/stage.ts';
import type { RunExecutor } from './executor.ts';
import { seenOf } from './figures.ts';
import { kernelController } from './real.ts';
import type { RunSpec } from './specs.ts';

/** A page that is not there after so long does not come: nothing in real time is waited for as long as in virtual time. */
const LONGEST_RUN: Micros = 300 * SECOND;

/**
 * Over the kernel's TCP and our QUIC, in network namespaces that are gone when this is closed or the process ends, by whatever but SIGKILL; what that left
 * the next one removes. What comes out varies from run to run, and says how late the relay was.
 * @param longest  after so long a run is given up
 */
export function overTunnel(plan: PreparedPlan, longest: Micros = LONGEST_RUN): RunExecutor {
  let place: Place | undefined;
  // ends with 'exit', by which the tunnel is taken down; a second signal does not end that
  const onSignal = (signal: NodeJS.Signals): void => process.exit(signal === 'SIGHUP' ? 129 : 143);
  process.on('SIGTERM', onSignal).on('SIGHUP', onSignal);

  /** The stage for a controller: one after the other, since variants come so. */
  const placeFor = async (controller: string): Promise<Place> => {
    if (place?.controller !== controller) {
      await leave();
      const tunnel = new Tunnel({ controller });
      place = { controller, tunnel, stage: new Stage(tunnel), warm: new Set() };
      await place.stage.relay.ask({ type: 'plan', document: plan.document }, 'planned');
    }
    return place;
  };
  const leave = async (): Promise<void> => {
    const left = place;
    place = undefined;
    await left?.stage.close();
    left?.tunnel.close();
  };

  const make = async ({ variant, model, seed }: RunSpec, signal: AbortSignal): Promise<PageFetched> => {
    const load = plan.variants[variant]!.setup.load as PageLoad;
    const { page, names: ends, nameLookup } = load;
    const asked = { model: model as ModelName, page, ends, nameLookup, seed };
    const { stage, warm } = await placeFor(kernelController(load));
    const fetch = (path?: PathAsked): Promise<PageFetched> => unless(stage.fetch({ ...asked, ...(path && { path }) }), signal, longest);
    // programs are compiled while they run, and the first page is slow
    if (!warm.has(model)) await fetch();
    warm.add(model);
    for (let attempt = 1; ; attempt++) {
      const fetched = await fetch({ variant });
      if (fetched.unread === 0) return fetched;
      if (attempt === MOST_ATTEMPTS)
        throw new Error(`the relay did not read ${fetched.unread} datagrams in time, nor all of them in ${attempt - 1} runs before`);
    }
  };

  return {
    async *run(specs, signal) {
      for (const spec of specs) {
        if (signal.aborted) return;
        let run: PlanRun;
        try {
          run = { ...spec, ...outcomeOf(await make(spec, signal)) };
        } catch (problem) {
          await leave(); // nobody knows what its processes still do
          if (signal.aborted) return;
          run = { ...spec, figures: {}, failed: (problem as Error).message };
        }
        yield run;
      }
    },
    close: async () => {
      process.off('SIGTERM', onSignal).off('SIGHUP', onSignal);
      await leave();
    },
  };
}

interface Place {
  readonly controller: string;
  readonly tunnel: Tunnel;
  readonly stage: Stage;
  /** Models that have been run there. */
  readonly warm: Set<string>;
}

/** What comes of it, unless somebody breaks off or it takes too long: then it rejects. */
async function unless<T>(made: Promise<T>, signal: AbortSignal, longest: Micros): Promise<T> {
  const over = new AbortController();
  const never = new Promise<never>((_resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the page was not there after ${longest / SECOND} s`)), longest / MILLISECOND);
    const onAbort = (): void => reject(new Error('broken off'));
    signal.addEventListener('abort', onAbort, { signal: over.signal });
    over.signal.addEventListener('abort', () => clearTimeout(late));
  });
  try {
    return await Promise.race([made, never]);
  } finally {
    over.abort();
  }
}

/** What is known where the kernel is one of the ends: neither states nor blame. */
function outcomeOf(fetched: PageFetched): Pick<PlanRun, 'figures' | 'lateness'> {
  const { up, down } = fetched.lateness;
  const { p50, p99 } = up.p99 > down.p99 ? up : down;
  return { figures: seenOf(fetched), lateness: { p50, p99 } };
}
