import type { LinkResult, RunResult } from './schema.ts';

/** '1,234.5' from 1234.5: groups of three, without the locale of a machine. */
export function grouped(value: number, decimals = 0): string {
  const [whole, rest] = Math.abs(value).toFixed(decimals).split('.') as [string, string?];
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const text = rest === undefined ? digits : `${digits}.${rest}`;
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** '1,234.5 ms' from microseconds. */
export const milliseconds = (micros: number): string => `${grouped(micros / 1_000, 1)} ms`;

/** '2.13%' of a link's datagrams. */
export const percent = (part: number, whole: number): string => (whole === 0 ? '0%' : `${grouped((100 * part) / whole, 2)}%`);

/** '11 of 520 down (2.12%)'. */
const linkText = (name: string, link: LinkResult): string =>
  `${grouped(link.lost)} of ${grouped(link.entered)} ${name} (${percent(link.lost, link.entered)})`;

/** The loss that was realised: what the same draws came to in this run, injected losses apart from drops of full queues. */
export function realisedLoss({ links: { up, down } }: RunResult): string {
  const queue = up.queueDropped + down.queueDropped;
  return `lost ${linkText('up', up)} and ${linkText('down', down)}; ${queue === 0 ? 'no queue drops' : `${grouped(queue)} queue drops`}`;
}

/** Bits per second as '20 Mbit/s'. */
export function bitRate(bitsPerSecond: number): string {
  for (const [unit, size] of [
    ['Gbit/s', 1e9],
    ['Mbit/s', 1e6],
    ['kbit/s', 1e3],
  ] as const)
    if (bitsPerSecond >= size) return `${Number((bitsPerSecond / size).toFixed(3))} ${unit}`;
  return `${bitsPerSecond} bit/s`;
}

/** The end of a path that is too long, from a '/' where there is one: '…/connection/connection.ts'. */
export function pathTail(path: string, length: number): string {
  if (path.length <= length) return path;
  const tail = path.slice(path.length - length + 1);
  const slash = tail.indexOf('/');
  return `…${slash >= 0 && slash < tail.length - 1 ? tail.slice(slash) : tail}`;
}
