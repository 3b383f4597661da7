import { type Micros, NEVER } from '@quiclab/sansio';
import type { ExchangeId } from './account.ts';
import { addSums, type ExchangeLife, type State, type StateSums, totalOf } from './states.ts';

/** One exchange of the chain. */
export interface ChainLink {
  readonly exchange: ExchangeId;
  /** From the arrival of what it waited for (for the first: from the first request) until it was issued: time that the application took. */
  readonly gap: Micros;
}

/** What the page waited for: from its first request to its last object, without a microsecond left out. EXPERIMENTS §4. */
export interface CriticalChain {
  /** First request issued → last object there. */
  readonly pageLoad: Micros;
  /** In order of time; the last is the object that came last (of several the one issued first). */
  readonly links: readonly ChainLink[];
  /** Over the links: their states, and their gaps. Together they are the page load. */
  readonly sums: StateSums;
  readonly gaps: Micros;
}

/** Walks back from the object that came last. undefined while an exchange is under way, or where there is none. */
export function criticalChain(lives: readonly ExchangeLife[]): CriticalChain | undefined {
  if (lives.length === 0 || lives.some(({ completed }) => completed === NEVER)) return undefined;
  const byId = new Map(lives.map((life) => [life.exchange, life]));
  const start = lives.reduce((earliest, { issued }) => Math.min(earliest, issued), NEVER);
  let last = lives[0]!;
  for (const life of lives)
    if (life.completed > last.completed || (life.completed === last.completed && life.issued < last.issued)) last = life;

  const links: ChainLink[] = [];
  const sums: Partial<Record<State, Micros>> = {};
  let gaps = 0;
  for (let life: ExchangeLife | undefined = last; life !== undefined; ) {
    const parent: ExchangeLife | undefined = byId.get(life.after);
    const gap: Micros = life.issued - (parent?.completed ?? start);
    if (gap < 0)
      throw new Error(`ledger: exchange ${life.exchange} was issued at ${life.issued}, ${-gap} µs before ${life.after} was there`);
    if (links.length > lives.length) throw new Error(`ledger: exchange ${life.exchange} waits for itself`);
    links.push({ exchange: life.exchange, gap });
    addSums(sums, life.sums);
    gaps += gap;
    life = parent;
  }
  const pageLoad = last.completed - start;
  if (totalOf(sums) + gaps !== pageLoad)
    throw new Error(`ledger: the chain to exchange ${last.exchange} sums to ${totalOf(sums) + gaps} µs, the page took ${pageLoad}`);
  return { pageLoad, links: links.reverse(), sums, gaps };
}
