import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';

/** Quantities as people write them. Units are required: '20' alone is an error that names the units there are. */
const DURATIONS: Units = { us: 1, µs: 1, ms: MILLISECOND, s: SECOND, min: 60 * SECOND };
const RATES: Units = {
  bit: 1,
  kbit: 1e3,
  Mbit: 1e6,
  Gbit: 1e9,
};
const SIZES: Units = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

type Units = Readonly<Record<string, number>>;

/** '20ms' in whole microseconds. @param what  names the quantity in an error ('--delay') */
export const parseDuration = (text: string, what = 'duration'): Micros => Math.round(parse(text, what, DURATIONS, '20ms'));

/** '20Mbit' in bit/s; 'Mbit/s' and 'Mbps' are the same. */
export function parseRate(text: string, what = 'rate'): number {
  const rate = parse(text.replace(/\/s$/, '').replace(/([kMG]?b)ps$/, '$1it'), what, RATES, '20Mbit', text);
  if (rate === 0) throw new Error(`${what}: '${text}' lets nothing pass; leave it out for no limit`);
  return rate;
}

/** '64KB' (1,000 octets each) or '64KiB' (1,024) in octets. */
export const parseSize = (text: string, what = 'size'): number => Math.round(parse(text, what, SIZES, '64KB'));

/** '2%' as 0.02, from 0% to 100%. */
export function parsePercent(text: string, what = 'share'): number {
  const percent = parse(text, what, { '%': 1 }, '2%');
  if (percent > 100) throw new Error(`${what}: '${text}' is above 100%`);
  return percent / 100;
}

/** '1000': a whole number without a unit. */
export function parseCount(text: string, what = 'number'): number {
  if (!/^\d{1,15}$/.test(text.trim())) throw new Error(`${what}: '${text}' is not a whole number, 0 or more`);
  return Number(text);
}

function parse(text: string, what: string, units: Units, example: string, asWritten = text): number {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(\S*)\s*$/.exec(text);
  const names = Object.keys(units).join(', ');
  if (match === null) throw new Error(`${what}: '${asWritten}' is not a quantity; write it like ${example}`);
  const [, digits, unit] = match as unknown as [string, string, string];
  if (unit === '') throw new Error(`${what}: '${asWritten}' has no unit; write it like ${example} (units: ${names})`);
  if (!Object.hasOwn(units, unit)) throw new Error(`${what}: '${unit}' in '${asWritten}' is not a unit that I know (units: ${names})`);
  return Number(digits) * units[unit]!;
}
