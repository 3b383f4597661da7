import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { compareCommand } from './compare/command.ts';
import { demo } from './demo/demo.ts';
import { demoCommand } from './demo/options.ts';
import { diffCommand } from './diff/command.ts';
import { cc } from './flows/cc.ts';
import { flowsCommand } from './flows/options.ts';
import { lossTableCommand } from './flows/table-command.ts';
import { gatewayCommand } from './gateway/command.ts';
import { runGateway } from './gateway/run.ts';
import { influenceCommand } from './influence/command.ts';
import { planJsonSchema } from './plan/json-schema.ts';
import { presetsCommand } from './presets/command.ts';
import { workerCommand } from './queue/command.ts';
import { lossesCommand } from './recorded/command.ts';
import { reportCommand } from './report/command.ts';
import { viewCommand } from './report/view-command.ts';
import { checkCommand } from './run/check.ts';
import { mergeCommand, runCommand } from './run/command.ts';
import { exportCommand } from './run/export.ts';
import { shrinkCommand } from './shrink/command.ts';
import { sqlCommand } from './tables/command.ts';
import { traceCommand } from './tracing/command.ts';
import { VERSION } from './version.ts';
import { whatIfCommand } from './whatif/command.ts';

// The program. What a run depends on comes from its arguments and is written into its result.

const packages = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

const program = new Command('quiclab')
  .description('a laboratory for HTTP over QUIC: losses, injected and explained')
  .version(VERSION)
  .addCommand(runCommand())
  .addCommand(workerCommand())
  .addCommand(mergeCommand())
  .addCommand(exportCommand())
  .addCommand(sqlCommand())
  .addCommand(checkCommand())
  .addCommand(reportCommand())
  .addCommand(viewCommand())
  .addCommand(demoCommand(packages, demo))
  .addCommand(compareCommand())
  .addCommand(flowsCommand(cc).addCommand(lossTableCommand()))
  .addCommand(influenceCommand())
  .addCommand(shrinkCommand((text) => void process.stdout.write(text)))
  .addCommand(whatIfCommand((text) => void process.stdout.write(text)))
  .addCommand(traceCommand((text) => void process.stdout.write(text)))
  .addCommand(
    diffCommand(
      (text) => void process.stdout.write(text),
      (text) => void process.stderr.write(text),
      (code) => {
        process.exitCode = code;
      },
    ),
  )
  .addCommand(lossesCommand())
  .addCommand(presetsCommand())
  .addCommand(gatewayCommand(runGateway))
  .addCommand(
    new Command('schema')
      .description('print the JSON Schema of plans, for editors')
      .action(() => void process.stdout.write(planJsonSchema())),
  );

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
