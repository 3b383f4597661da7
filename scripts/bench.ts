/** `pnpm bench`: goodput, handshakes, requests and simulated datagrams per second, beside what Node's own TLS, HTTP/2 and sockets do in the same run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseCount, parseSize } from '@quiclab/impair';
import { Command, InvalidArgumentError } from 'commander';
import { ENTRIES, type Entry, entryId } from './bench/contest.ts';
import { type Run, runOnce } from './bench/run.ts';
import { figures, shown, table } from './bench/summary.ts';

interface Options {
  readonly runs: number;
  readonly bytes: number;
  readonly only: readonly Entry[];
  readonly json?: string;
  readonly profile: string;
}

/** A parser of impair's as one of commander's. */
function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

function atLeastOne(text: string): number {
  const count = parseCount(text);
  if (count < 1) throw new InvalidArgumentError('It must be at least 1.');
  return count;
}

/** A group, a name in any group, or GROUP/NAME. */
function select(name: string, chosen: readonly Entry[]): readonly Entry[] {
  // groups are named after what they are measured in; 'goodput' alone means goodputMBps all the same
  const fitting = ENTRIES.filter((entry) => entry.group.startsWith(name) || [entry.name, entryId(entry)].includes(name));
  if (fitting.length === 0) throw new InvalidArgumentError(`There is no such measurement. There are: ${ENTRIES.map(entryId).join(', ')}.`);
  return [...chosen, ...fitting];
}

const program = new Command('bench')
  .description(
    'Measures this stack between two processes on loopback, and in virtual time. Takes minutes, and wants the machine to itself.',
  )
  .option('--json <FILE>', 'write the figures as JSON')
  .option('--runs <N>', 'rounds; each runs everything once, in new processes', argument(atLeastOne), 5)
  .option('--only <NAME>', 'these measurements only: a group, a name, or GROUP/NAME; may be given again', select, [])
  .option(
    '--bytes <SIZE>',
    'size of the download',
    argument((text) => parseSize(text)),
    256 * 1024 * 1024,
  )
  .option('--profile <DIR>', "write both ends' CPU profiles there; slows everything down", '')
  .allowExcessArguments(false)
  .showHelpAfterError('(--help lists the options)')
  .parse();
const options = program.opts<Options>();
if (options.bytes < 1) program.error("error: option '--bytes <SIZE>' argument must be at least one octet");
if (options.profile !== '') mkdirSync(options.profile, { recursive: true });

const entries = options.only.length === 0 ? ENTRIES : ENTRIES.filter((entry) => options.only.includes(entry));
const results = new Map<Entry, Run[]>(entries.map((entry) => [entry, []]));
let failures = 0;
// Round by round, so that whatever else the machine does in the meantime is no one's bad luck alone.
for (let round = 1; round <= options.runs; round++) {
  for (const entry of entries) {
    const head = `[${round}/${options.runs}] ${entryId(entry)}:`;
    try {
      const run = await runOnce(entry, options.bytes, options.profile);
      results.get(entry)!.push(run);
      const notes = Object.entries(run.notes).map(([name, value]) => `${name} ${value}`);
      process.stderr.write(`${head} ${shown(run.value)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}\n`);
    } catch (error) {
      failures++;
      process.stderr.write(`${head} failed: ${(error as Error).message}\n`);
    }
  }
}
const all = figures(results);
process.stdout.write(`${table(all)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(all, null, 2)}\n`);
process.exitCode = failures > 0 ? 1 : 0;
