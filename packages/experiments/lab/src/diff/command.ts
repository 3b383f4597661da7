import { readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { argument } from '../arguments.ts';
import { LARGEST_LOG } from '../recorded/qlog-file.ts';
import { differenceOfLogs } from './difference.ts';
import { type Log, readLog } from './log.ts';
import { differenceText, harmless } from './text.ts';

/** As diff's: the same, different, in trouble. */
export const EXIT = { same: 0, different: 1, trouble: 2 } as const;

interface Parsed {
  readonly ignoreTime: boolean;
  readonly ignoreIds: boolean;
  readonly context: number;
  readonly json: boolean;
}

const MOST_CONTEXT = 500;

const contextOf = argument((text) => {
  if (!/^\d{1,3}$/.test(text) || Number(text) > MOST_CONTEXT) throw new Error(`'${text}' is not a whole number, 0 to ${MOST_CONTEXT}`);
  return Number(text);
});

/** The `diff` command. @param exit  told how the process is to end */
export const diffCommand = (write: (text: string) => void, complain: (text: string) => void, exit: (code: number) => void): Command =>
  new Command('diff')
    .description(
      'where two qlogs of the same end part, and what became of it; exits with 0 for the same, 1 for different ones, 2 in trouble',
    )
    .argument('<a>', 'a qlog: JSON text sequences, a record a line, or JSON; of the drafts, or of qlog 0.3 (qvis)')
    .argument('<b>', 'another one')
    .option('--ignore-time', 'times, and round trips and rates, may be others', false)
    .option('--ignore-ids', 'connection IDs, tokens and addresses may be others, as between two runs over sockets', false)
    .option('--context <n>', 'how many events to show before and after', contextOf, 5)
    .option('--json', 'print JSON', false)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.same : EXIT.trouble))
    .action((a: string, b: string, { json, ...options }: Parsed) => {
      try {
        const difference = differenceOfLogs(logIn(a), logIn(b), options);
        write(
          json
            ? `${JSON.stringify({ schema: 1, kind: 'qlog-diff', a, b, ...difference })}\n`
            : `${harmless(differenceText(difference, options.ignoreTime))}\n`,
        );
        exit(difference.same ? EXIT.same : EXIT.different);
      } catch (error) {
        complain(`error: ${harmless(error instanceof Error ? error.message : String(error))}\n`);
        exit(EXIT.trouble);
      }
    });

function logIn(file: string): Log {
  try {
    const { size } = statSync(file);
    if (size > LARGEST_LOG) throw new Error(`${size} octets; at most ${LARGEST_LOG} are read`);
    return readLog(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}
