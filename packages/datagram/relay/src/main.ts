#!/usr/bin/env node
import { lookup } from 'node:dns/promises';
import { fstatSync } from 'node:fs';
import { type Address, type Clock, seededRandom } from '@quiclab/sansio';
import { Command } from 'commander';
import type { DirectionFigures, RelayFigures } from './figures.ts';
import { linkConfig, parseBlackout, parseDrops, parseEndpoint, QUANTITIES, textsOf } from './plan.ts';
import { createRelay, type Relay } from './relay.ts';

const program = new Command('relay')
  .description('Carries UDP datagrams between any two programs, over a path that delays, limits and loses as it is told.')
  .requiredOption('--target <HOST:PORT>', 'where the datagrams of clients go')
  .option('--listen <HOST:PORT>', 'where clients send to; port 0 for one that is free', '127.0.0.1:0')
  .option('--drop <LIST>', 'lose exactly these: up:3,down:7 is the 3rd to the target and the 7th back')
  .option('--blackout <FROM-TO>', 'lose everything in this time, as in 5s-7s, both ways')
  .option('--seed <SEED>', 'for all chance', '1')
  .option('--json', 'print JSON: one line with the address, one with the figures at the end');
for (const { flag, value, meaning } of QUANTITIES) program.option(`--${flag} <${value}>`, meaning);
for (const direction of ['up', 'down'])
  for (const { flag, value } of QUANTITIES) program.option(`--${direction}-${flag} <${value}>`, `--${flag}, ${direction} only`);
program.addHelpText(
  'after',
  '\nUp is to the target, down is back. Units are required: ms, s; Mbit, kbit; KB, KiB; %.\n' +
    'Ends with Ctrl-C, SIGTERM, or the end of its input where that is a pipe or a terminal, and prints what it did.\n',
);
program.showHelpAfterError('(--help lists the options)');

interface Options {
  readonly target: string;
  readonly listen: string;
  readonly drop?: string;
  readonly blackout?: string;
  readonly seed: string;
  readonly json?: boolean;
}

/** µs since the epoch, monotonic. */
function systemClock(): Clock {
  const offset = Date.now() - performance.now();
  return { now: () => Math.floor((performance.now() + offset) * 1000) };
}

async function resolve({ host, port }: Address): Promise<Address> {
  return { host: (await lookup(host)).address, port };
}

async function start(options: Options): Promise<Relay> {
  const drops = options.drop === undefined ? { up: [], down: [] } : parseDrops(options.drop);
  const blackouts = options.blackout === undefined ? [] : [parseBlackout(options.blackout)];
  const texts = program.opts<Record<string, string>>();
  const target = await resolve(parseEndpoint(options.target, '--target'));
  if (target.port === 0) throw new Error('--target: port 0 is no place to send to');
  return createRelay({
    listen: await resolve(parseEndpoint(options.listen, '--listen')),
    target,
    up: linkConfig(textsOf('up', texts), [...drops.up, ...blackouts]),
    down: linkConfig(textsOf('down', texts), [...drops.down, ...blackouts]),
    random: seededRandom(options.seed),
    clock: systemClock(),
  });
}

function describe(name: string, { datagrams, octets, dropped, realisedLoss, lateness, ...rest }: DirectionFigures): string {
  const causes = Object.entries(dropped).map(([cause, count]) => `${count} ${cause}`);
  const lines = [
    `${datagrams} datagrams, ${octets} octets; ${rest.delivered} delivered`,
    `dropped: ${causes.length === 0 ? 'none' : causes.join(', ')}; realised loss ${(realisedLoss * 100).toFixed(2)}%`,
    ...(rest.duplicated > 0 ? [`duplicated: ${rest.duplicated}`] : []),
    ...(rest.corrupted > 0 ? [`corrupted: ${rest.corrupted}`] : []),
    ...(rest.sendErrors > 0 ? [`refused by the system: ${rest.sendErrors}`] : []),
    `late by: p50 ${lateness.p50} µs, p99 ${lateness.p99} µs, most ${lateness.max} µs`,
  ];
  return lines.map((line, i) => `${i === 0 ? `${name}:` : ''}`.padEnd(6) + line).join('\n');
}

function report(figures: RelayFigures, json: boolean): string {
  if (json) return JSON.stringify(figures);
  const refused = figures.refused === 0 ? '' : `, ${figures.refused} datagrams of further clients refused`;
  return `${figures.clients} ${figures.clients === 1 ? 'client' : 'clients'}${refused}\n${describe('up', figures.up)}\n${describe('down', figures.down)}`;
}

program.parse();
const options = program.opts<Options>();
const json = options.json === true;
const relay = await start(options).catch((error: Error) => program.error(`error: ${error.message}`));
let ending = false;
async function end(): Promise<void> {
  if (ending) process.exit(130); // asked twice: at once
  ending = true;
  process.stdout.write(`${report(await relay.close(), json)}\n`);
  process.stdin.destroy();
}
process.on('SIGINT', end).on('SIGTERM', end);
const input = fstatSync(0);
// input that is not there at all (/dev/null, a service) has ended before it began
if (process.stdin.isTTY || input.isFIFO() || input.isSocket()) process.stdin.on('end', end).resume();

// said last: whoever reads it may end us at once
const { host, port } = relay.address;
const written = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
process.stdout.write(json ? `${JSON.stringify({ listening: relay.address })}\n` : `listening ${written}, to ${options.target}\n`);
