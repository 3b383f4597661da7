import { join } from 'node:path';
import { milliseconds } from '@quiclab/report';
import type { Dialect } from '@quiclab/trace';
import { Command, Option } from 'commander';
import { addRunOptions, checkBesidePlan, modelOption, type RunOptions, runSource } from '../whatif/source.ts';
import { tracedRun } from './traced-run.ts';
import { writeTraces } from './write-traces.ts';

interface Parsed extends RunOptions {
  readonly out: string;
  readonly at?: 'client' | 'server';
  readonly qlog: Dialect;
}

/** The `trace` command: one simulated run, as files for other programs. */
export function traceCommand(write: (text: string) => void): Command {
  const command = new Command('trace')
    .description(
      'one simulated run as trace files: qlog of both ends and of the network, and captures (pcapng) with the TLS secrets inside',
    )
    .argument('[plan]', 'a plan, or the result.json of one; else the options below describe the run')
    .addOption(modelOption());
  return addRunOptions(command, { loss: '1%' })
    .option('--out <dir>', 'where the files go', 'out/trace')
    .addOption(new Option('--at <end>', 'only what was captured and logged there (default: at both)').choices(['client', 'server']))
    .addOption(
      new Option('--qlog <dialect>', 'of the connections: as the drafts have it now, or as qvis reads it')
        .choices(['current', 'qvis'])
        .default('current'),
    )
    .action(async (name: string | undefined, { out, at, qlog, ...read }: Parsed, self: Command) => {
      checkBesidePlan(name, self);
      const source = await runSource(name, read);
      const { record, failure, files } = tracedRun(source.run, { dialect: qlog, at: at === undefined ? ['client', 'server'] : [at] });
      const took = record && record.finishedAt - record.startedAt;
      if (took !== undefined && source.pageLoad !== undefined && took !== source.pageLoad)
        throw new Error(
          `the page took ${milliseconds(source.pageLoad)} there, and takes ${milliseconds(took)} now: the result is of another version`,
        );
      writeTraces(out, files);
      write(
        [
          `Simulated: ${source.text}`,
          ...(took === undefined ? [] : [`Page load ${milliseconds(took)}`]),
          ...files.map((file) => `${join(out, file.name)}  ${meaningOf(file.name)}`),
          '',
        ].join('\n'),
      );
      if (failure !== '') throw new Error(`${failure}; the traces have what happened until then`);
    });
}

const meaningOf = (name: string): string => {
  if (name.endsWith('.pcapng')) return 'for Wireshark, with the secrets inside; comments name packets and what dropped them';
  return name === 'network.sqlog' ? 'qlog: what the links did with each datagram' : 'qlog of a connection';
};
