import { bootstrapMedian, type Estimate, median } from '@quiclab/report';
import { type Micros, seededRandom } from '@quiclab/sansio';
import { accountRun, type RunRecord } from '../record.ts';

/** One object in one run. Times in µs. */
export interface ObjectFigures {
  /** From its request to its last octet. */
  readonly completion: Micros;
  /** From the start of the page to its last octet. */
  readonly thereAt: Micros;
  /** How long octets of it lay there waiting: for one of its own, of the connection's, of others. EXPERIMENTS §4, Blame. */
  readonly blocked: { readonly own: Micros; readonly connection: Micros; readonly others: Micros };
  /** Those others, by id. */
  readonly blamed: Readonly<Record<string, Micros>>;
  readonly lostPackets: number;
}

/** One object in two runs. */
export interface ObjectDifference {
  readonly id: string;
  /** Where it was fetched in the first run: the nth connection, and what it is called there. */
  readonly connection: number;
  readonly stream: number;
  readonly before: ObjectFigures;
  readonly after: ObjectFigures;
}

export interface RunDifference {
  readonly pageLoad: { readonly before: Micros; readonly after: Micros };
  /** In the order of the page. */
  readonly objects: readonly ObjectDifference[];
}

/** What a change did to each object of the page. */
export function differenceOf(before: RunRecord, after: RunRecord): RunDifference {
  const then = figuresOf(before);
  const now = figuresOf(after);
  return {
    pageLoad: { before: pageLoadOf(before), after: pageLoadOf(after) },
    objects: [...before.objects]
      .sort((a, b) => a.exchange - b.exchange)
      .map(({ id, connection, onConnection }) => ({ id, connection, stream: onConnection, before: then.get(id)!, after: now.get(id)! })),
  };
}

export const pageLoadOf = ({ startedAt, finishedAt }: RunRecord): Micros => finishedAt - startedAt;

function figuresOf(record: RunRecord): Map<string, ObjectFigures> {
  const objects = accountRun(record);
  const ids = new Map(objects.map(({ exchange, id }) => [exchange, id]));
  return new Map(
    objects.map(({ id, requestedAt, completedAt, intervals, lostPackets }) => {
      const blocked = { own: 0, connection: 0, others: 0 };
      const blamed: Record<string, Micros> = {};
      for (const { from, to, blame } of intervals) {
        const whose = blame === 'own' || blame === 'connection' ? blame : 'others';
        blocked[whose] += to - from;
        if (typeof blame === 'number') blamed[ids.get(blame)!] = (blamed[ids.get(blame)!] ?? 0) + to - from;
      }
      return [id, { completion: completedAt - requestedAt, thereAt: completedAt - record.startedAt, blocked, blamed, lostPackets }];
    }),
  );
}

/** What a change did over many seeds: the runs differ in what befalls datagrams that the recorded run did not have. */
export interface DifferenceOverSeeds {
  readonly seeds: number;
  /** Change of the page load, µs. */
  readonly pageLoad: Estimate;
  /** Change of each completion, in the order of the page. */
  readonly objects: readonly { readonly id: string; readonly completion: Estimate }[];
}

/** Medians of the changes and their 95% intervals. @param differences  one for each seed */
export function overSeeds(differences: readonly RunDifference[]): DifferenceOverSeeds {
  // the draws hang on nothing but the number of seeds
  const estimate = (values: readonly Micros[]): Estimate => ({
    median: median(values),
    ...bootstrapMedian(values, seededRandom('what-if')),
  });
  return {
    seeds: differences.length,
    pageLoad: estimate(differences.map(({ pageLoad }) => pageLoad.after - pageLoad.before)),
    objects: differences[0]!.objects.map(({ id }, i) => ({
      id,
      completion: estimate(differences.map(({ objects }) => objects[i]!.after.completion - objects[i]!.before.completion)),
    })),
  };
}
