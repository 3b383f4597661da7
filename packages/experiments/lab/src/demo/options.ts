import { parseCount, parseDuration, parsePercent, parseRate } from '@quiclab/impair';
import type { Dialect } from '@quiclab/trace';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import type { ModelId } from '../models/model.ts';
import type { PathPlan } from '../worlds/links.ts';

/** What the demo compares: the same QUIC, with a stream for each exchange and with one for all. */
const MODELS: readonly ModelId[] = ['h3', 'h3-single'];

/** What the demo was asked to do. */
export interface DemoOptions {
  readonly dir: string;
  readonly files: number;
  readonly path: PathPlan;
  readonly seed: number;
  readonly models: readonly ModelId[];
  readonly simulated: boolean;
  readonly repeat: number;
  readonly out: string;
  readonly qlog: Dialect;
  readonly json: boolean;
}

/** An option whose default is shown as it would be written. */
const quantity = (flags: string, description: string, parse: (text: string, what: string) => number, usual: string): Option =>
  new Option(flags, description).argParser(argument(parse)).default(parse(usual, ''), usual);

/** The `demo` command with its options; `run` is called with what they say. */
export function demoCommand(defaultDir: string, run: (options: DemoOptions) => Promise<void>): Command {
  return new Command('demo')
    .description('fetch real files over HTTP/3 through injected losses, as h3 and as h3-single, and show who waited for whom')
    .option('--dir <dir>', 'the files to serve; the largest are fetched', defaultDir)
    .option('--files <n>', 'how many files', atLeastOne, 32)
    .addOption(quantity('--loss <percent>', 'datagrams lost at random, each way', parsePercent, '2%'))
    .addOption(quantity('--delay <time>', 'one way', parseDuration, '20ms'))
    .addOption(quantity('--rate <rate>', 'of the link, each way', parseRate, '20Mbit'))
    .option('--queue <packets>', 'how many may wait for the link', atLeastOne, 1000)
    .option('--seed <n>', 'all chance hangs on it', argument(parseCount), 1)
    .addOption(new Option('--model <model>', 'only this one instead of all').choices(MODELS))
    .option('--simulated', 'in virtual time instead of over real sockets: the same seed gives the same bytes', false)
    .option('--repeat <n>', 'with so many seeds, from --seed on: medians with intervals', atLeastOne, 1)
    .option('--out <dir>', 'where results go', 'out')
    .addOption(
      new Option('--qlog <dialect>', 'of the traces: as the drafts have it now, or as qvis reads it')
        .choices(['current', 'qvis'])
        .default('current'),
    )
    .option('--json', 'print result.json instead of tables', false)
    .addHelpText('after', '\nSSLKEYLOGFILE and QLOGDIR are honoured: TLS secrets and qlog go there instead of into --out.')
    .action(({ loss, delay, rate, queue, model, ...rest }) =>
      run({ ...rest, path: { loss, delay, rate, queue }, models: model === undefined ? MODELS : [model] }),
    );
}
