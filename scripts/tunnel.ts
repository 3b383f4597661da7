/** `pnpm tunnel`: pages over the kernel's TCP and over our QUIC, through the relay that simulated runs' impairments come from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODEL_IDS, type ModelName, modelOf, type PathPlan } from '@quiclab/lab';
import { Tunnel, type TunnelOptions } from '@quiclab/lab/tunnel';
import { MILLISECOND, seededRandom } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';
import type { Page } from '@quiclab/workload';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CASES } from './interop/cases.ts';
import { makeCertificates } from './interop/certificate.ts';
import { downloadBesideTcp, summary } from './interop/cross-traffic.ts';
import { OURS, packetOf } from './interop/peers.ts';
import type { Shares } from './tunnel/cross-traffic.ts';
import { type FidelityOptions, fidelity } from './tunnel/fidelity/command.ts';
import { LOSSES, MODELS, REAL_RUNS, SIMULATED_RUNS } from './tunnel/fidelity/plan.ts';
import { type PageRun, runPages } from './tunnel/page-runs.ts';
import { pageOf } from './tunnel/pages.ts';
import { pathText, runLine, runsTable, sharesLine } from './tunnel/table.ts';

interface PathOptions {
  readonly loss: number;
  readonly rate: number;
  readonly rtt: number;
  readonly queue: number;
  readonly runs: number;
  readonly seed: number;
  readonly controller: string;
  readonly json?: string;
}
interface PageOptions extends PathOptions {
  readonly page: Page;
  readonly model: readonly ModelName[];
  readonly maxLate: number;
}

/** Turns a parser's Error into what commander prints behind the option's name. */
const parsed =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };

const number = (least: number, unit: RegExp = /^$/) =>
  parsed((text) => {
    const [, digits = '', rest = ''] = /^(\d+(?:\.\d+)?)(.*)$/.exec(text) ?? [];
    if (digits === '' || (rest !== '' && !unit.test(rest)) || Number(digits) < least)
      throw new Error(`It must be a number, ${least} or more.`);
    return Number(digits);
  });
const whole = (least: number) =>
  parsed((text) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < least) throw new Error(`It must be a whole number, ${least} or more.`);
    return Number(text);
  });
const percent = parsed((text) => {
  const value = number(0, /^%$/)(text);
  if (value > 100) throw new Error('It must be a percentage, 0 to 100.');
  return value / 100;
});
const lossOf = parsed((text) => {
  const loss = LOSSES.find((one) => one === percent(text));
  if (loss === undefined) throw new Error(`It must be one of ${LOSSES.map((one) => `${100 * one}%`).join(', ')}.`);
  return loss;
});
const models = (name: string, before: readonly ModelName[] | undefined): readonly ModelName[] => {
  parsed(modelOf)(name);
  return [...(before ?? []), name as ModelName];
};

function withPath(
  command: Command,
  usual: { readonly loss: number; readonly rate: number; readonly rtt: number; readonly queue: number; readonly runs: number },
): Command {
  return command
    .option('--loss <PERCENT>', 'of the packets, both ways', percent, usual.loss)
    .option('--rate <MBIT>', 'Mbit/s, both ways; 0: no limit', number(0, /^Mbit(?:\/s)?$/), usual.rate)
    .option('--rtt <MS>', 'round trip time without queues', number(0, /^ms$/), usual.rtt)
    .option('--queue <PACKETS>', 'what may wait for the rate', whole(1), usual.queue)
    .option('--runs <N>', 'how many; the nth has the nth seed', whole(1), usual.runs)
    .option('--seed <SEED>', 'of the first run', whole(0), 1)
    .option('--controller <NAME>', "the kernel's congestion controller for TCP", 'cubic')
    .option('--json <FILE>', 'write every run as JSON')
    .allowExcessArguments(false)
    .showHelpAfterError('(--help lists the options)');
}

const pathOf = ({ loss, rate, rtt, queue }: PathOptions): PathPlan => ({
  delay: Math.round((rtt * MILLISECOND) / 2),
  rate: rate * 1e6,
  loss,
  queue,
});

/** A tunnel for as long as `use` takes, or until somebody ends this process. What is missing is said, and nothing else. */
async function withTunnel(options: TunnelOptions, use: (tunnel: Tunnel) => Promise<void>): Promise<void> {
  let tunnel: Tunnel;
  try {
    tunnel = new Tunnel(options);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
    return;
  }
  // 'exit' takes the tunnel down, and a second signal must not end that: tsx passes each on that the terminal has sent to both
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  try {
    await use(tunnel);
  } finally {
    tunnel.close();
  }
}

const program = new Command('tunnel')
  .description(
    'Runs TCP of this kernel and our QUIC through our relay, in network namespaces joined by VXLAN. Needs root, `ip` and `ethtool`.',
  )
  .enablePositionalOptions();

withPath(
  program
    .command('page', { isDefault: true })
    .description('load a page by several models, through the same path with the same draws')
    .option('--page <NAME>', 'smallPage, medianPage, or a JSON file', parsed(pageOf), pageOf('smallPage'))
    .option('--model <NAME>', `may be given again: ${MODEL_IDS.join(', ')}`, models),
  { loss: 0, rate: 10, rtt: 50, queue: 64, runs: 5 },
)
  .option(
    '--max-late <MS>',
    'repeat a run in which the relay was later than this for a hundredth of the packets (three times at most)',
    number(0, /^ms$/),
    Number.POSITIVE_INFINITY,
  )
  .action(async (options: PageOptions) => {
    const { page, model = ['h1-parallel', 'h2', 'h3'], runs, seed, controller, json, maxLate } = options;
    const path = pathOf(options);
    await withTunnel({ controller }, async (tunnel) => {
      const done: PageRun[] = [];
      const keep = (): void => {
        if (json !== undefined) writeFileSync(json, `${JSON.stringify({ page: page.name, path, controller, runs: done }, null, 2)}\n`);
      };
      await runPages(tunnel, { page, models: model, path, seed, runs, maxLate: maxLate * MILLISECOND }, (run) => {
        done.push(run);
        process.stderr.write(`${runLine(run)}\n`);
        keep(); // a sweep that stops half-way keeps what it has
      });
      process.stdout.write(`${runsTable(page.name, path, done, seed)}\n`);
    });
  });

withPath(
  program
    .command('crosstraffic')
    .description("our QUIC against one flow of the kernel's TCP, which starts 5 s earlier and outlasts it")
    .option('--mib <N>', 'what is downloaded', whole(1), 25)
    .option('--mtu-discovery', 'datagrams as large as the path takes, and so those of TCP: 1,400 octets instead of 1,228'),
  { loss: 0, rate: 10, rtt: 30, queue: 25, runs: 5 },
).action(async (options: PathOptions & { readonly mib: number; readonly mtuDiscovery?: true }) => {
  const { mib, runs, seed, controller, json } = options;
  const path = pathOf(options);
  const ours = options.mtuDiscovery === true ? ['--mtu-discovery'] : [];
  const usual = CASES.find(({ name }) => name === 'crosstraffic')!;
  const test = { ...usual, files: [{ name: 'file', octets: mib << 20 }], clientArguments: ours, serverArguments: ours };
  const equal = ours.length === 0 ? { tcpPacket: packetOf(OURS) } : {};
  await withTunnel({ controller, ...equal }, async (tunnel) => {
    const directory = mkdtempSync(join(tmpdir(), 'quiclab-tunnel-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const program = await OURS.prepare();
    const room = { directory, certificates: makeCertificates(directory, monotonicClock().now()), random: seededRandom(seed) };
    const done: Shares[] = [];
    for (let run = 0; run < runs; run++) {
      const { shares, failure } = await downloadBesideTcp(tunnel, test, { client: program, server: program }, room, path, seed + run);
      if (failure !== undefined) throw new Error(`seed ${seed + run}: ${failure}`);
      done.push(shares);
      process.stderr.write(`seed ${seed + run}: ${sharesLine(shares)}\n`);
      if (json !== undefined) writeFileSync(json, `${JSON.stringify({ path, controller, mib, runs: done }, null, 2)}\n`);
    }
    process.stdout.write(`QUIC against TCP (${controller}), ${pathText(path)}: ${summary(done).text}\n`);
  });
});

program
  .command('fidelity')
  .description(
    'the median page on sockets and in virtual time, with the same settings: test/tables/fidelity.md. Goes on where it was broken off',
  )
  .option('--runs <N>', 'on sockets, of each model and rate of loss', whole(1), REAL_RUNS)
  .option('--simulated <N>', 'in virtual time', whole(1), SIMULATED_RUNS)
  .addOption(new Option('--only <PART>', 'leave the others as they are').choices(['real', 'simulated', 'table']))
  .addOption(new Option('--model <NAME>', 'on sockets, of this one only').choices(MODELS))
  .addOption(new Option('--loss <RATE>', 'on sockets, at this rate only').argParser(lossOf))
  .allowExcessArguments(false)
  .showHelpAfterError('(--help lists the options)')
  .action(async (options: FidelityOptions) => fidelity(options, (use) => withTunnel({}, use)));

await program.parseAsync();
