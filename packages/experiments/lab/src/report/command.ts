import { Command } from 'commander';
import { readResult, writeReport } from './write-report.ts';

/** `quiclab report OUT` */
export const reportCommand = (): Command =>
  new Command('report')
    .description('make report.html of what a plan came to')
    .argument('<dir>', 'where quiclab run put it')
    .action((dir: string) => {
      process.stdout.write(`Page: ${writeReport(dir, readResult(dir), true)}\n`);
    });
