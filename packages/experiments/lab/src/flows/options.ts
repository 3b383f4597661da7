import { type LinkConfig, parseCount, parseDuration, parseRate, parseSize } from '@quiclab/impair';
import { type LinkTexts, linkConfig, parseBlackout, parseDrops, QUANTITIES, textsOf } from '@quiclab/relay';
import type { FlowsPath } from '@quiclab/report';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import type { Dialect } from '@quiclab/trace';
import { Command, Option } from 'commander';
import { argument } from '../arguments.ts';
import { CONTROLLER_SYNTAX, type FlowPolicy, parseControllers } from './controllers.ts';

/** What `cc` was asked for. */
export interface FlowsOptions {
  readonly policies: readonly FlowPolicy[];
  /** All of them on one path, each so much later than the one before; else each on the same path for itself. */
  readonly together: boolean;
  readonly stagger: Micros;
  readonly links: { readonly up: LinkConfig; readonly down: LinkConfig };
  readonly path: FlowsPath;
  /** Of each transfer; Infinity where the time was given. */
  readonly octets: number;
  readonly until: Micros;
  readonly seed: number;
  readonly out: string;
  readonly qlog: Dialect | undefined;
  readonly json: boolean;
  /** What was written, but for where results go: it runs all that again. */
  readonly arguments: readonly string[];
}

const MOST_FLOWS = 6; // as many as can be told apart on a page
const MOST_TIME: Micros = 3_600 * SECOND;
/** What is not said of the path. A queue that is not said is one bandwidth-delay product, of at least so many packets. */
const USUAL: LinkTexts = { delay: '15ms', rate: '10Mbit' };
const LEAST_QUEUE = 25;
const IP_PACKET = 1_228; // a datagram of 1,200 octets with its headers

/** Packets of 1,228 octets that fill a path of this rate, bit/s, and round trip, µs; 25 at least. */
export const bandwidthDelayQueue = (rate: number, rtt: Micros): number =>
  Math.max(LEAST_QUEUE, Math.ceil((rate * rtt) / (8 * IP_PACKET * SECOND)));

/** The `cc` command with its options; `run` is called with what they say. */
export function flowsCommand(run: (options: FlowsOptions) => void): Command {
  const command = new Command('cc')
    .description('draw window, bytes in flight, pacing rate and round trips of congestion controllers on a path of your choice')
    .addOption(
      new Option('--controller <list>', `by commas: ${CONTROLLER_SYNTAX}`)
        .argParser(argument(parseControllers))
        .default(parseControllers('cubic'), 'cubic'),
    )
    .option('--together', 'all of them compete on one path, instead of each having it for itself', false)
    .option('--stagger <time>', 'with --together: each starts so much later than the one before', argument(parseDuration), 0)
    .option('--size <size>', 'of each transfer (default: 10MB)', argument(parseSize))
    .option('--time <time>', 'instead: transfers go on for so long', argument(parseDuration));
  for (const { key, flag, value, meaning } of QUANTITIES) command.option(`--${flag} <${value.toLowerCase()}>`, MEANINGS[key] ?? meaning);
  for (const direction of ['up', 'down'])
    for (const { flag, value } of QUANTITIES) command.addOption(new Option(`--${direction}-${flag} <${value.toLowerCase()}>`).hideHelp());
  return command
    .option('--drop <list>', 'lose exactly these: up:3,down:7 is the 3rd to the server and the 7th back')
    .option('--blackout <from-to>', 'lose everything in this time, as in 5s-7s, both ways')
    .option('--seed <n>', 'all chance hangs on it', argument(parseCount), 1)
    .option('--out <dir>', 'where results go', 'out')
    .addOption(
      new Option('--qlog <dialect>', 'write qlog of the senders, too: as the drafts have it now, or as qvis reads it').choices([
        'current',
        'qvis',
      ]),
    )
    .option('--json', 'print result.json instead of the table', false)
    .addHelpText(
      'after',
      '\nData comes down from the server; every quantity of the path can be given for one direction: --down-loss 1%.\n' +
        'Not said: --delay 15ms, --rate 10Mbit (none: no limit), and a queue of one bandwidth-delay product, 25 packets at least.\n' +
        'With a switch: --controller cubic,cubic:no-hystart,newReno:no-prr:no-undo,fixed:64KB:no-pacing',
    )
    .action((options) => run(flowsOptions(options, writtenArguments(command))));
}

const MEANINGS: Partial<Record<keyof LinkTexts, string>> = {
  delay: 'one way (default: 15ms)',
  rate: 'as in 20Mbit; none: no limit (default: 10Mbit)',
  queue: 'what waits for the rate: packets, or octets as in 64KB (default: one bandwidth-delay product, 25 packets at least)',
};

interface Parsed extends Readonly<Record<string, unknown>> {
  readonly controller: readonly FlowPolicy[];
  readonly together: boolean;
  readonly stagger: Micros;
  readonly size?: number;
  readonly time?: Micros;
  readonly drop?: string;
  readonly blackout?: string;
  readonly seed: number;
  readonly out: string;
  readonly qlog?: Dialect;
  readonly json: boolean;
}

/** @throws Error that names the option */
function flowsOptions(parsed: Parsed, written: readonly string[]): FlowsOptions {
  const { controller, together, stagger, size, time, drop, blackout, seed, out, qlog, json } = parsed;
  if (controller.length > MOST_FLOWS) throw new Error(`--controller: ${controller.length} of them; a page shows ${MOST_FLOWS} at most`);
  if (stagger > 0 && !together) throw new Error('--stagger needs --together');
  if (size !== undefined && time !== undefined) throw new Error('--size and --time: a transfer ends by one of the two');
  if (size === 0) throw new Error('--size: a transfer has one octet at least');
  if (time !== undefined && (time === 0 || time > MOST_TIME)) throw new Error('--time: more than nothing, and an hour at most');
  const until = time ?? MOST_TIME;
  if (together && stagger * (controller.length - 1) >= until) throw new Error('--stagger: the last one would start when the time is over');
  const drops = drop === undefined ? { up: [], down: [] } : parseDrops(drop);
  const blackouts = blackout === undefined ? [] : [parseBlackout(blackout)];
  const texts = { up: pathTexts('up', parsed), down: pathTexts('down', parsed) };
  const rtt = parseDuration(texts.up.delay!, '--delay') + parseDuration(texts.down.delay!, '--delay');
  const up = withQueue(texts.up, rtt);
  const down = withQueue(texts.down, rtt);
  const { queue } = down;
  return {
    policies: controller,
    together,
    stagger,
    links: { up: linkConfig(up, [...drops.up, ...blackouts]), down: linkConfig(down, [...drops.down, ...blackouts]) },
    path: {
      rate: down.rate === undefined ? 0 : parseRate(down.rate, '--rate'),
      rtt,
      queue: queue === undefined ? '' : /^\d+$/.test(queue) ? `${queue} packets` : queue,
      impairments: [
        ...impairments(up, down),
        ...(drop === undefined ? [] : [`${drop} dropped`]),
        ...(blackout === undefined ? [] : [`nothing in ${blackout}`]),
      ],
    },
    octets: time !== undefined ? Number.POSITIVE_INFINITY : (size ?? 10_000_000),
    until,
    seed,
    out,
    qlog,
    json,
    arguments: written,
  };
}

function pathTexts(direction: 'up' | 'down', parsed: Parsed): LinkTexts {
  const { rate, ...texts } = { ...USUAL, ...textsOf(direction, parsed) };
  return rate === undefined || rate === 'none' ? texts : { ...texts, rate };
}

function withQueue(texts: LinkTexts, rtt: Micros): LinkTexts {
  const { queue, ...rest } = texts;
  if (texts.rate === undefined) return rest;
  return { ...rest, queue: queue ?? String(bandwidthDelayQueue(parseRate(texts.rate, '--rate'), rtt)) };
}

const BASIC: readonly (keyof LinkTexts)[] = ['delay', 'rate', 'queue'];

/** 'loss 1% each way', 'jitter 5ms down'; also a rate or delay of its own that the way up has. */
function impairments(up: LinkTexts, down: LinkTexts): string[] {
  const found: string[] = [];
  for (const { key, flag } of QUANTITIES) {
    const basic = BASIC.includes(key);
    if (up[key] === down[key]) {
      if (!basic && up[key] !== undefined) found.push(`${flag} ${up[key]} each way`);
      continue;
    }
    if (up[key] !== undefined) found.push(`${flag} ${up[key]} up`);
    if (down[key] !== undefined && !basic) found.push(`${flag} ${down[key]} down`);
  }
  return found;
}

const WHERE_RESULTS_GO = ['out', 'json', 'qlog'];

function writtenArguments(command: Command): string[] {
  const written: string[] = [];
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli' || WHERE_RESULTS_GO.includes(name)) continue;
    written.push(option.long!);
    const value: unknown = command.getOptionValue(name);
    if (value !== true) written.push(asWritten(name, value));
  }
  return written;
}

/** Times and sizes were parsed; they are written in the largest unit that keeps them whole. */
function asWritten(name: string, value: unknown): string {
  if (name === 'controller') return (value as readonly FlowPolicy[]).map((policy) => policy.name).join(',');
  if (name === 'stagger' || name === 'time') return inUnits(value as Micros, { s: SECOND, ms: MILLISECOND, us: 1 });
  if (name === 'size') return inUnits(value as number, { MB: 1e6, KB: 1e3, B: 1 });
  return String(value).replace(/\s+/g, '');
}

function inUnits(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units).find(([, one]) => value % one === 0)!;
  return `${value / size}${unit}`;
}
