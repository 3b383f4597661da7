import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { runLinesByKey } from './store.ts';

/** `quiclab export DIR` */
export const exportCommand = (): Command =>
  new Command('export')
    .description('print the runs in a directory as JSON, one a line, sorted by key')
    .argument('<dir>', 'where quiclab run or merge wrote them')
    .option('--out <file>', 'write them there instead')
    .action(async (dir: string, { out }: { readonly out?: string }) => {
      const lines = Readable.from(runLinesByKey(dir));
      if (out === undefined) await pipeline(lines, process.stdout, { end: false });
      else await pipeline(lines, createWriteStream(out));
    });
