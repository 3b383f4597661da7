import { type Micros, NEVER } from '@quiclab/sansio';
import { connectionOf, directionOf, EVERY_MESSAGE, flowOfCarrier, Gate, messageOf, type RunLog } from './run-log.ts';
import type { State } from './states.ts';

const NAMES: readonly (readonly [gate: number, state: State])[] = [
  [Gate.KEYS, 'stalled(keys)'],
  [Gate.AMPLIFICATION, 'stalled(amplification)'],
  [Gate.CONNECTION_CREDIT, 'stalled(connection credit)'],
  [Gate.STREAM_CREDIT, 'stalled(stream credit)'],
  [Gate.WINDOW, 'stalled(window)'],
  [Gate.PACER, 'stalled(pacer)'],
];

/** The first gate that is closed. */
function refusedBy(gates: number): State | undefined {
  if (gates === 0) return undefined;
  for (let i = 0; i < NAMES.length; i++) if ((gates & NAMES[i]![0]) !== 0) return NAMES[i]![1];
  return undefined;
}

/** An octet that waits to be sent. */
export interface Waiting {
  readonly carrier: number;
  readonly offset: number;
  /** Of what message it is content, and when it was laid out; -1: it is not content. */
  readonly message: number;
  readonly laid: Micros;
  /** It was never sent, and needs credit. */
  readonly isNew: boolean;
  /** When it is sent; NEVER where it is not. */
  readonly leaves: Micros;
}

/** What became of senders over time: which gates refused them, how far their credit reached, when anything left. */
export class Gates {
  readonly #changes = new Map<number, Series>(); // by flow: bits of Gate
  readonly #limits = new Map<number, Series>(); // by carrier
  readonly #content = new Map<number, Series>(); // by message: bits of Gate
  readonly #sendings = new Map<number, Micros[]>(); // by flow

  constructor({ gateChanges, limits, contentGates, sendings }: RunLog) {
    for (let i = 0; i < gateChanges.length; i += 3) seriesOf(this.#changes, gateChanges[i + 1]!).add(gateChanges[i]!, gateChanges[i + 2]!);
    for (let i = 0; i < limits.length; i += 3) seriesOf(this.#limits, limits[i + 1]!).raise(limits[i]!, limits[i + 2]!);
    for (let i = 0; i < contentGates.length; i += 3)
      seriesOf(this.#content, contentGates[i + 1]!).add(contentGates[i]!, contentGates[i + 2]!);
    for (let i = 0; i < sendings.length; i += 6) {
      const flow = flowOfCarrier(sendings[i + 1]!);
      const times = this.#sendings.get(flow);
      if (times === undefined) this.#sendings.set(flow, [sendings[i]!]);
      else if (times[times.length - 1]! < sendings[i]!) times.push(sendings[i]!);
    }
  }

  /** Why an octet that waits to be sent is not, from `from` to `to`: tells each stretch of time. */
  explain(waiting: Waiting, from: Micros, to: Micros, tell: (state: State, until: Micros) => void): void {
    const { carrier, offset, message, laid, isNew, leaves } = waiting;
    const flow = flowOfCarrier(carrier);
    const ofFlow = this.#changes.get(flow) ?? NONE;
    const creditAt = isNew ? this.#creditAt(carrier, offset) : 0;
    const isLaid = message < 0 || this.#content.size === 0;
    const ofMessage = isLaid ? NONE : (this.#content.get(message) ?? NONE);
    const ofAll = isLaid ? NONE : (this.#content.get(messageOf(connectionOf(message), EVERY_MESSAGE, directionOf(message))) ?? NONE);
    for (let at = from; at < to; ) {
      let gates = ofFlow.at(at);
      let until = Math.min(to, ofFlow.nextAfter(at));
      if (!isNew) gates &= ~Gate.CONNECTION_CREDIT;
      if (at < creditAt) {
        gates |= Gate.STREAM_CREDIT;
        until = Math.min(until, creditAt);
      }
      if (!isLaid && at < laid) {
        gates |= ofMessage.at(at) | ofAll.at(at);
        until = Math.min(until, laid, ofMessage.nextAfter(at), ofAll.nextAfter(at));
      }
      const refused = refusedBy(gates);
      if (refused !== undefined) tell(refused, until);
      else {
        tell('stalled(scheduler)', Math.min(until, this.#lastSending(flow, leaves)));
        tell('stalled(outlet)', until);
      }
      at = until;
    }
  }

  /** When the credit of the carrier covers an octet. */
  #creditAt(carrier: number, offset: number): Micros {
    const limits = this.#limits.get(carrier);
    return limits === undefined ? 0 : limits.firstAbove(offset);
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

  /** A value that never falls. */
  raise(at: Micros, value: number): void {
    if (this.values.length === 0 || value > this.values[this.values.length - 1]!) this.add(at, value);
  }

  /** When a value that never falls is above another. */
  firstAbove(value: number): Micros {
    const { values } = this;
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[middle]! > value) high = middle;
      else low = middle + 1;
    }
    return this.times[low] ?? NEVER;
  }

  /** The value at an instant: the last that was told until then, 0 before. */
  at(instant: Micros): number {
    const index = this.#after(instant);
    return index === 0 ? 0 : this.values[index - 1]!;
  }

  /** When it changes next. */
  nextAfter(instant: Micros): Micros {
    return this.times[this.#after(instant)] ?? NEVER;
  }

  #after(instant: Micros): number {
    const { times } = this;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! > instant) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const NONE = new Series();

function seriesOf(map: Map<number, Series>, key: number): Series {
  let series = map.get(key);
  if (series === undefined) {
    series = new Series();
    map.set(key, series);
  }
  return series;
}
