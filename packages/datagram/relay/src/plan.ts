/** From what is written on the command line to the configuration of a link. */
import {
  bernoulli,
  blackout,
  burstCapped,
  burstLoss,
  corrupt,
  duplicate,
  type Judge,
  type LinkConfig,
  listed,
  parseCount,
  parseDuration,
  parsePercent,
  parseRate,
  parseSize,
  reorder,
  uniformJitter,
} from '@quiclab/impair';

/** The quantities of one direction, as texts with units. */
export interface LinkTexts {
  readonly delay?: string;
  readonly rate?: string;
  readonly queue?: string;
  readonly loss?: string;
  readonly lossBurst?: string;
  readonly burstCap?: string;
  readonly jitter?: string;
  readonly reorder?: string;
  readonly reorderDelay?: string;
  readonly duplicate?: string;
  readonly corrupt?: string;
}

/** Every option that exists for both directions, and again with --up- and --down- for one. */
export const QUANTITIES: readonly {
  readonly key: keyof LinkTexts;
  readonly flag: string;
  readonly value: string;
  readonly meaning: string;
}[] = [
  { key: 'delay', flag: 'delay', value: 'TIME', meaning: 'one way, as in 20ms (default: none)' },
  { key: 'rate', flag: 'rate', value: 'RATE', meaning: 'as in 20Mbit (default: no limit)' },
  { key: 'queue', flag: 'queue', value: 'SIZE', meaning: 'what waits for the rate: packets, or octets as in 64KB (default: 1000)' },
  { key: 'loss', flag: 'loss', value: 'SHARE', meaning: 'as in 2%' },
  { key: 'lossBurst', flag: 'loss-burst', value: 'N', meaning: 'lose this many in a row on average' },
  { key: 'burstCap', flag: 'burst-cap', value: 'N', meaning: 'never lose more than this many in a row' },
  { key: 'jitter', flag: 'jitter', value: 'TIME', meaning: 'delay varies by up to this, in order' },
  { key: 'reorder', flag: 'reorder', value: 'SHARE', meaning: 'hold this share back' },
  { key: 'reorderDelay', flag: 'reorder-delay', value: 'TIME', meaning: 'for so long (default: 10ms)' },
  { key: 'duplicate', flag: 'duplicate', value: 'SHARE', meaning: 'deliver this share twice' },
  { key: 'corrupt', flag: 'corrupt', value: 'SHARE', meaning: 'flip one bit in this share' },
];

/** The texts of one direction: its own where there is one ('upLoss'), else those for both. */
export function textsOf(direction: 'up' | 'down', options: Readonly<Record<string, unknown>>): LinkTexts {
  const texts: Record<string, string> = {};
  for (const { key } of QUANTITIES) {
    const text = options[direction + key[0]!.toUpperCase() + key.slice(1)] ?? options[key];
    if (typeof text === 'string') texts[key] = text;
  }
  return texts;
}

/** @throws Error that names the option */
export function linkConfig(texts: LinkTexts, judges: readonly Judge[]): LinkConfig {
  const { delay, rate, queue, jitter, duplicate: copies, corrupt: flips, reorder: held } = texts;
  if (texts.reorderDelay !== undefined && held === undefined) throw new Error('--reorder-delay needs --reorder');
  return {
    delay: delay === undefined ? 0 : parseDuration(delay, '--delay'),
    ...(rate !== undefined && { rate: parseRate(rate, '--rate') }),
    ...(queue !== undefined && { queue: queueLimits(queue) }),
    ...(jitter !== undefined && { jitter: uniformJitter(parseDuration(jitter, '--jitter')) }),
    ...(copies !== undefined && { duplicate: duplicate(parsePercent(copies, '--duplicate')) }),
    ...(flips !== undefined && { corrupt: corrupt(parsePercent(flips, '--corrupt')) }),
    ...(held !== undefined && {
      reorder: reorder(parsePercent(held, '--reorder'), parseDuration(texts.reorderDelay ?? '10ms', '--reorder-delay')),
    }),
    loss: [...losses(texts), ...judges],
  };
}

function queueLimits(text: string): { packets: number } | { bytes: number } {
  return /^\d+$/.test(text) ? { packets: parseCount(text, '--queue') } : { bytes: parseSize(text, '--queue') };
}

function losses({ loss, lossBurst, burstCap }: LinkTexts): Judge[] {
  if (loss === undefined) {
    if (lossBurst !== undefined || burstCap !== undefined) throw new Error('--loss-burst and --burst-cap need --loss');
    return [];
  }
  const share = parsePercent(loss, '--loss');
  const model = lossBurst === undefined ? bernoulli(share) : burstLoss(share, parseCount(lossBurst, '--loss-burst'));
  return [burstCap === undefined ? model : burstCapped(model, parseCount(burstCap, '--burst-cap'))];
}

/** 'up:3,down:7': the 3rd datagram that enters the link up, and the 7th of the one down. */
export function parseDrops(text: string): { readonly up: readonly Judge[]; readonly down: readonly Judge[] } {
  const indexes = { up: [] as number[], down: [] as number[] };
  for (const item of text.split(',')) {
    const match = /^(up|down):([1-9]\d*)$/.exec(item.trim());
    if (match === null) throw new Error(`--drop: '${item}' is not like up:3 or down:7, counted from 1`);
    indexes[match[1] as 'up' | 'down'].push(Number(match[2]));
  }
  const judges = (list: readonly number[]) => (list.length === 0 ? [] : [listed(...list)]);
  return { up: judges(indexes.up), down: judges(indexes.down) };
}

/** '5s-7s': everything between, counted from the start. */
export function parseBlackout(text: string): Judge {
  const [from, to, ...more] = text.split('-');
  if (from === undefined || to === undefined || more.length > 0) throw new Error(`--blackout: '${text}' is not like 5s-7s`);
  return blackout(parseDuration(from, '--blackout'), parseDuration(to, '--blackout'));
}

/** 'localhost:4433' or '[::1]:4433'. The host may be a name. */
export function parseEndpoint(text: string, option: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`${option}: '${text}' is not like 127.0.0.1:4433 or [::1]:4433`);
  return { host: (match[1] ?? match[2])!, port };
}
