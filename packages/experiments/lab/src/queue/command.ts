import { parseDuration } from '@quiclab/impair';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { parseQueueUrl } from './url.ts';
import { workOnQueue } from './work-on-queue.ts';

const MOST_AT_A_TIME = 256;

interface Parsed {
  readonly queue: string;
  readonly concurrency: number;
  readonly patience: number;
}

/** `quiclab worker` */
export const workerCommand = (): Command =>
  new Command('worker')
    .description('make the runs that quiclab run --queue asks for, on this machine, until Ctrl-C')
    .requiredOption('--queue <url>', 'where: redis://host:6379')
    .option('--concurrency <n>', 'make so many runs at a time, each in a thread (one for each processor is enough)', atLeastOne, 1)
    .addOption(
      new Option('--patience <time>', 'for how long Redis may be away').argParser(argument(parseDuration)).default(60_000_000, '60s'),
    )
    .action(async ({ queue, concurrency, patience }: Parsed) => {
      const url = parseQueueUrl(queue); // commander would print what is wrong with it, and with that the password
      if (concurrency > MOST_AT_A_TIME) throw new Error(`--concurrency: at most ${MOST_AT_A_TIME}`);
      const say = (line: string): void => void process.stderr.write(`${line}\n`);
      const stop = new AbortController();
      const onSignal = (): void => stop.abort(); // a second one ends the process at once
      process.once('SIGINT', onSignal);
      process.once('SIGTERM', onSignal);
      let made = 0;
      try {
        await workOnQueue(url, { concurrency, patience: patience / 1_000, signal: stop.signal, say, onRun: () => void made++ });
      } finally {
        process.off('SIGINT', onSignal);
        process.off('SIGTERM', onSignal);
        if (made > 0 || stop.signal.aborted) say(`${made} runs made.`);
      }
    });
