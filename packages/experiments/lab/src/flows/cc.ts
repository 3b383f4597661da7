import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Policies } from '@quiclab/quic';
import { type FlowsJson, type FlowsRun, flowsReport, flowsTable } from '@quiclab/report';
import { QlogObserver } from '@quiclab/trace';
import { TextFile } from '../trace-files.ts';
import { VERSION } from '../version.ts';
import type { FlowPlan } from './flows.ts';
import type { FlowsOptions } from './options.ts';
import { watchFlows } from './result.ts';

/** Runs what was asked for and writes its results. */
export function cc(options: FlowsOptions): void {
  mkdirSync(options.out, { recursive: true });
  const result = flowsJson(options, (what) => process.stderr.write(`${what} …\n`));
  const json = `${JSON.stringify(result)}\n`;
  const resultFile = join(options.out, 'result.json');
  const page = join(options.out, 'cc.html');
  writeFileSync(resultFile, json);
  writeFileSync(page, flowsReport(result));
  if (options.json) process.stdout.write(json);
  else
    process.stdout.write(
      `${flowsTable(result)}\n\nPage: ${page}   figures: ${resultFile}${options.qlog ? `   qlog: ${join(options.out, 'qlog')}` : ''}\n`,
    );
}

/** The runs, and all that is said of them; qlog goes to files if it was asked for. @param begins  is told what is run next */
export function flowsJson(options: FlowsOptions, begins: (what: string) => void = () => {}): FlowsJson {
  const { policies, together, stagger, path, octets, seed } = options;
  const plans = together
    ? [policies.map((policy, i) => ({ policy, start: i * stagger }))]
    : policies.map((policy) => [{ policy, start: 0 }]);
  const runs = plans.map((flows, first) => {
    begins(flows.map(({ policy }) => policy.name).join(', '));
    return runOf(options, flows, first);
  });
  return {
    schema: 1,
    kind: 'flows',
    seed,
    world: 'simulated',
    version: VERSION,
    arguments: options.arguments,
    path,
    octets: Number.isFinite(octets) ? octets : null,
    runs,
  };
}

function runOf(options: FlowsOptions, flows: readonly FlowPlan[], first: number): FlowsRun {
  const { links, octets, until, seed, qlog, out } = options;
  const files: TextFile[] = [];
  const sender =
    (flow: number): Policies['observer'] =>
    ({ originalId }) => {
      const title = `${first + flow + 1}-${flows[flow]!.policy.name.replace(/:/g, '-')}`;
      const file = new TextFile(join(out, 'qlog', `${title}-server.sqlog`), 'w');
      files.push(file);
      return new QlogObserver({ side: 'server', originalId, reference: 0, dialect: qlog!, title, write: (record) => file.write(record) });
    };
  if (qlog !== undefined) mkdirSync(join(out, 'qlog'), { recursive: true });
  const { result } = watchFlows({
    seed,
    links,
    flows,
    octets,
    until,
    ...(qlog !== undefined && { observers: (flow: number) => ({ sender: sender(flow) }) }),
  });
  for (const file of files) file.close();
  return result;
}
