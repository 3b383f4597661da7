/** One end of one run, as a process of its own: `end.ts client|server ENTRY OPTIONS [SERVED]`. Talks to bench.ts by messages. */
import { type ContestOptions, ENTRIES, entryId, type Reading, type Served } from './contest.ts';
import { Stopwatch } from './stopwatch.ts';

/** What a server says in the end. */
export interface ServerReport {
  readonly cpuSeconds: number;
  readonly notes: Readonly<Record<string, number>>;
}

export type Message = { readonly served: Omit<Served, 'notes'> } | { readonly reading: Reading } | { readonly report: ServerReport };

const [side, id, options, served] = process.argv.slice(2);
const contest = await ENTRIES.find((entry) => entryId(entry) === id)!.load();
const contestOptions: ContestOptions = JSON.parse(options);

/** Says it, and then all is over: what is still open goes with the process, and profiles are written. */
const say = (message: Message, last: boolean): void => void process.send!(message, () => last && process.exit(0));

process.once('disconnect', () => process.exit(0)); // whoever measured is gone
if (side === 'server') {
  const { port, certificate, notes } = await contest.serve!(contestOptions);
  const watch = new Stopwatch();
  process.once('message', () => say({ report: { cpuSeconds: watch.cpuSeconds, notes: notes?.() ?? {} } }, true));
  say({ served: { port, certificate } }, false);
} else {
  const server: Omit<Served, 'notes'> = served === undefined ? { port: 0, certificate: '' } : JSON.parse(served);
  const reading = await contest.run(contestOptions, { port: server.port, certificate: Buffer.from(server.certificate, 'base64') });
  say({ reading }, true);
}
