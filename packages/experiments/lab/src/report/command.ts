import { Command } from 'commander';
import { atLeastOne } from '../arguments.ts';
import { readResult, writeReport } from './write-report.ts';

/** `quiclab report OUT` */
export const reportCommand = (): Command =>
  new Command('report')
    .description('make report.html of what a plan came to')
    .argument('<dir>', 'where quiclab run put it')
    .option('--influence <n>', 'with influence matrices of so many dropped packets, whatever the plan asks for', atLeastOne)
    .action((dir: string, { influence }: { readonly influence?: number }) => {
      process.stdout.write(`Page: ${writeReport(dir, readResult(dir), true, influence)}\n`);
    });
