import { type Micros, NEVER } from '@quiclab/sansio';
import { flowOfCarrier, Gate, type RunLog } from './run-log.ts';
import type { State } from './states.ts';

const NAMES: readonly (readonly [gate: number, state: State])[] = [
  [Gate.KEYS, 'stalled(keys)'],
  [Gate.AMPLIFICATION, 'stalled(amplification)'],
  [Gate.CONNECTION_CREDIT, 'stalled(connection credit)'],
  [Gate.STREAM_CREDIT, 'stalled(stream credit)'],
  [Gate.WINDOW, 'stalled(window)'],
  [Gate.PACER, 'stalled(pacer)'],
];

/** What became of senders over time: which gates refused them, how far their credit reached, when anything left. */
export class Gates {
  readonly #changes = new Map<number, Series>(); // by flow: bits of Gate
  readonly #limits = new Map<number, Series>(); // by carrier
  readonly #sendings = new Map<number, Micros[]>(); // by flow

  constructor({ gateChanges, limits, sendings }: RunLog) {
    for (let i = 0; i < gateChanges.length; i += 3) seriesOf(this.#changes, gateChanges[i + 1]!).add(gateChanges[i]!, gateChanges[i + 2]!);
    for (let i = 0; i < limits.length; i += 3) seriesOf(this.#limits, limits[i + 1]!).add(limits[i]!, limits[i + 2]!);
    for (let i = 0; i < sendings.length; i += 6) {
      const flow = flowOfCarrier(sendings[i + 1]!);
      const times = this.#sendings.get(flow);
      if (times === undefined) this.#sendings.set(flow, [sendings[i]!]);
      else if (times[times.length - 1]! < sendings[i]!) times.push(sendings[i]!);
    }
  }

  /**
   * Why an octet that waits to be sent is not, from `from` to `to`: tells each stretch of time.
   * @param needsCredit  it was never sent
   * @param leaves  when it is sent; NEVER where it is not
   */
  explain(
    carrier: number,
    offset: number,
    needsCredit: boolean,
    leaves: Micros,
    from: Micros,
    to: Micros,
    tell: (state: State, from: Micros, to: Micros) => void,
  ): void {
    const flow = flowOfCarrier(carrier);
    const changes = this.#changes.get(flow);
    const creditAt = needsCredit ? this.#creditAt(carrier, offset) : 0;
    let next = changes === undefined ? 0 : changes.after(from);
    for (let at = from; at < to; ) {
      let until = to;
      let gates = 0;
      if (changes !== undefined) {
        if (next > 0) gates = changes.values[next - 1]!;
        if (next < changes.times.length) until = Math.min(until, changes.times[next]!);
      }
      if (!needsCredit) gates &= ~Gate.CONNECTION_CREDIT;
      if (at < creditAt) {
        gates |= Gate.STREAM_CREDIT;
        until = Math.min(until, creditAt);
      }
      const refusing = NAMES.find(([gate]) => (gates & gate) !== 0);
      if (refusing !== undefined) tell(refusing[1], at, until);
      else {
        const others = Math.min(until, Math.max(at, this.#lastSending(flow, leaves)));
        tell('stalled(scheduler)', at, others);
        tell('stalled(outlet)', others, until);
      }
      at = until;
      while (changes !== undefined && next < changes.times.length && changes.times[next]! <= at) next++;
    }
  }

  /** When the credit of the carrier covers an octet. */
  #creditAt(carrier: number, offset: number): Micros {
    const limits = this.#limits.get(carrier);
    if (limits === undefined) return 0;
    const index = limits.values.findIndex((limit) => limit > offset);
    return index < 0 ? NEVER : limits.times[index]!;
  }

  /** When anything left on the flow for the last time before an instant; -1: nothing did. */
  #lastSending(flow: number, before: Micros): Micros {
    const times = this.#sendings.get(flow);
    if (times === undefined) return -1;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! < before) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : times[low - 1]!;
  }
}

/** A value that changes at instants, ascending. */
class Series {
  readonly times: Micros[] = [];
  readonly values: number[] = [];

  add(at: Micros, value: number): void {
    this.times.push(at);
    this.values.push(value);
  }

  /** The first change after an instant. */
  after(at: Micros): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.times[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function seriesOf(map: Map<number, Series>, key: number): Series {
  let series = map.get(key);
  if (series === undefined) {
    series = new Series();
    map.set(key, series);
  }
  return series;
}
