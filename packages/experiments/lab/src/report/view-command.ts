import { parseCount } from '@quiclab/impair';
import { Command } from 'commander';
import { argument } from '../arguments.ts';
import { viewReport } from './view.ts';

/** `quiclab view OUT` */
export const viewCommand = (): Command =>
  new Command('view')
    .description('show the report of a plan in a browser, also while it is run: it reloads as results come')
    .argument('<dir>', 'where quiclab run puts it')
    .option('--port <n>', 'on loopback; 0: any that is free', argument(parseCount), 0)
    .action(async (dir: string, { port }: { readonly port: number }) => {
      const view = await viewReport(dir, port);
      process.stdout.write(`http://127.0.0.1:${view.port}/   Ctrl-C ends it.\n`);
      process.once('SIGINT', () => void view.close());
    });
