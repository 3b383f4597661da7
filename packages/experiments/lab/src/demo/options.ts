import { parseCount, parseDuration, parsePercent, parseRate } from '@quiclab/impair';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MODELS, type ModelId } from '../model.ts';
import type { PathPlan } from '../worlds/links.ts';

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
  readonly json: boolean;
}

/** Turns a parser's Error into what commander prints with the option's name. */
const argument =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };

const atLeastOne = (what: string) =>
  argument((text) => {
    const count = parseCount(text, what);
    if (count < 1) throw new Error(`${what}: it must be 1 or more`);
    return count;
  });

/** The `demo` command with its options; `run` is called with what they say. */
export function demoCommand(defaultDir: string, run: (options: DemoOptions) => Promise<void>): Command {
  return new Command('demo')
    .description('fetch real files over HTTP/3 through injected losses, as h3 and as h3-single, and show who waited for whom')
    .option('--dir <dir>', 'the files to serve; the largest are fetched', defaultDir)
    .option('--files <n>', 'how many files', atLeastOne('--files'), 32)
    .option(
      '--loss <percent>',
      'datagrams lost at random, each way: 2%',
      argument((text) => parsePercent(text, '--loss')),
      0.02,
    )
    .option(
      '--delay <time>',
      'one way: 20ms',
      argument((text) => parseDuration(text, '--delay')),
      20_000,
    )
    .option(
      '--rate <rate>',
      'of the link, each way: 20Mbit',
      argument((text) => parseRate(text, '--rate')),
      20e6,
    )
    .option('--queue <packets>', 'how many may wait for the link', atLeastOne('--queue'), 1000)
    .option(
      '--seed <n>',
      'all chance hangs on it',
      argument((text) => parseCount(text, '--seed')),
      1,
    )
    .addOption(new Option('--model <model>', 'only this one instead of all').choices(MODELS))
    .option('--simulated', 'in virtual time instead of over real sockets: the same seed gives the same bytes', false)
    .option('--repeat <n>', 'with so many seeds, from --seed on: medians with intervals', atLeastOne('--repeat'), 1)
    .option('--out <dir>', 'where results go', 'out')
    .option('--json', 'print result.json instead of tables', false)
    .addHelpText('after', '\nSSLKEYLOGFILE and QLOGDIR are honoured: TLS secrets and qlog go there instead of into --out.')
    .action(({ loss, delay, rate, queue, model, ...rest }) =>
      run({ ...rest, path: { loss, delay, rate, queue }, models: model === undefined ? MODELS : [model] }),
    );
}
