import {
  bernoulli,
  blackout,
  bleach,
  burstCapped,
  burstLoss,
  codel,
  corrupt,
  dropMarked,
  duplicate,
  gilbertElliott,
  gilbertElliottByTime,
  type ImpairmentMaker,
  type LinkConfig,
  listed,
  normalJitter,
  parseTrace,
  recordedDelay,
  reorder,
  reorderEvery,
  TraceRate,
  uniformJitter,
} from '@quiclab/impair';
import { MILLISECOND } from '@quiclab/sansio';
import { PRESETS, type PresetName } from '../presets/presets.ts';
import { linesOf, recordedLosses } from '../recorded/loss-list.ts';
import { type LinkDraft, type LossDraft, linkSchema } from './link-schema.ts';

/**
 * The content of a file that the plan names.
 * @param reduce  what of it is kept with the plan, and returned, where that is not all
 */
export type FileReader = (name: string, reduce?: (text: string) => string) => string;

/** Both directions of a hop as a plan has them. */
export interface HopDraft {
  readonly preset?: PresetName | undefined;
  readonly both?: LinkDraft | undefined;
  readonly up?: LinkDraft | undefined;
  readonly down?: LinkDraft | undefined;
}

/** One direction of a hop. @throws Error that says what does not go */
export const linkOf = (hop: HopDraft, direction: 'up' | 'down', read: FileReader): LinkConfig =>
  linkFrom({ ...(hop.preset && presetLink(hop.preset, direction)), ...hop.both, ...hop[direction] }, read);

const presetLink = (preset: PresetName, direction: 'up' | 'down'): LinkDraft => linkSchema.parse(PRESETS[preset][direction]);

function linkFrom(draft: LinkDraft, read: FileReader): LinkConfig {
  const { rate, delay = 0, jitter, queue, loss = [], reorder: held, ecn, judged, mtu, overhead, schedule } = draft;
  const trace = typeof rate === 'object' ? parseTrace(read(rate.trace)) : undefined;
  return {
    delay,
    ...(trace !== undefined && { rate: () => new TraceRate(trace) }),
    ...(typeof rate === 'number' && rate > 0 && { rate }),
    ...(queue !== undefined && { queue: 'codel' in queue ? codel(said(queue.codel)) : queue }),
    loss: [...(Array.isArray(loss) ? loss : [loss]).flatMap((one) => lossOf(one, read)), ...(ecn?.dropMarked ? [dropMarked()] : [])],
    ...(jitter !== undefined && {
      jitter: jitterOf(jitter, read),
      jitterReorders: typeof jitter === 'object' && (jitter.reorders ?? false),
    }),
    ...(held !== undefined && { reorder: reorderOf(held) }),
    ...(draft.duplicate !== undefined && { duplicate: duplicate(draft.duplicate) }),
    ...(draft.corrupt !== undefined && { corrupt: corrupt(draft.corrupt) }),
    ...(ecn?.bleach !== undefined && { ecn: bleach(ecn.bleach) }),
    ...(ecn?.mark !== undefined && { ecnThreshold: ecn.mark }),
    ...(judged !== undefined && { judged }),
    ...(mtu !== undefined && { mtu }),
    ...(overhead !== undefined && { overhead }),
    ...(schedule !== undefined && { schedule: schedule.map((change) => said(change)).sort((a, b) => a.at - b.at) }),
  };
}

type Said<T> = { [K in keyof T]: Exclude<T[K], undefined> };
/** Without the keys that were not said. */
const said = <T extends object>(draft: T): Said<T> =>
  Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined)) as Said<T>;

function lossOf(loss: LossDraft, read: FileReader): ImpairmentMaker[] {
  if (loss === 'none') return [];
  if (typeof loss === 'number') return loss === 0 ? [] : [bernoulli(loss)];
  if ('trace' in loss) return [recorded(loss.trace, read)];
  switch (loss.model) {
    case 'bernoulli':
      return [capped(bernoulli(loss.share), loss.most)];
    case 'bursts':
      return [capped(burstLoss(loss.share, loss.mean), loss.most)];
    case 'gilbert-elliott': {
      const { model: _model, most, ...options } = loss;
      return [capped(gilbertElliott(said(options)), most)];
    }
    case 'gilbert-elliott-by-time': {
      const { model: _model, most, ...options } = loss;
      return [capped(gilbertElliottByTime(said(options)), most)];
    }
    case 'list':
      return [listed(...loss.drop)];
    case 'trace':
      return [recorded(loss.file, read)];
    case 'blackout':
      return [blackout(loss.from, loss.to)];
  }
}

/** With the plan goes what was lost, and not a log with all that was sent. */
const recorded = (file: string, read: FileReader): ImpairmentMaker =>
  listed(...recordedLosses(read(file, (text) => `${recordedLosses(text).join('\n')}\n`)));

const capped = (inner: ImpairmentMaker, most: number | undefined): ImpairmentMaker =>
  most === undefined ? inner : burstCapped(inner, most);

function jitterOf(jitter: NonNullable<LinkDraft['jitter']>, read: FileReader): ImpairmentMaker {
  if (typeof jitter === 'number') return uniformJitter(jitter);
  const { uniform, normal, trace } = jitter;
  if ([uniform, normal, trace].filter((one) => one !== undefined).length !== 1)
    throw new Error('jitter is one of uniform, normal and trace');
  return uniform !== undefined
    ? uniformJitter(uniform)
    : normal !== undefined
      ? normalJitter(normal)
      : recordedDelay(delayTrace(read(trace!)));
}

/** 'instant,delay' a line, both in milliseconds. */
function delayTrace(text: string): { at: number; delay: number }[] {
  return linesOf(text).map(({ line, nth }) => {
    const match = /^(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)$/.exec(line);
    if (match === null)
      throw new Error(`recorded delay, line ${nth}: '${line.slice(0, 40)}' is not like 1500,20 (milliseconds: instant, delay)`);
    return { at: Math.round(Number(match[1]) * MILLISECOND), delay: Math.round(Number(match[2]) * MILLISECOND) };
  });
}

function reorderOf({ share, every, by }: NonNullable<LinkDraft['reorder']>): ImpairmentMaker {
  if ((share === undefined) === (every === undefined)) throw new Error('reorder has either share or every');
  return share !== undefined ? reorder(share, by) : reorderEvery(every!, by);
}
