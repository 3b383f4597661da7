/** `pnpm interop`: every peer × case × role through our own relay, as a table and as JSON. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';
import { Command, Option } from 'commander';
import { browse } from './interop/browse.ts';
import { CASES, type InteropCase } from './interop/cases.ts';
import { makeCertificates } from './interop/certificate.ts';
import { runCrossTraffic } from './interop/cross-traffic.ts';
import { withEvidence } from './interop/faults.ts';
import { FEATURES, type Feature } from './interop/features.ts';
import { OUR_WEB_SERVER, OURS, PeerMissing, PROGRAM_PEERS, type Program, type ProgramPeer, packetOf } from './interop/peers.ts';
import { KEPT_RESULTS, keptResults, updateReadme } from './interop/readme.ts';
import { line, matrix, NOT_OURS_YET, type Result, type Role, updated } from './interop/results.ts';
import { type Room, runCase, type Verdict } from './interop/run-case.ts';
import { dissect } from './interop/tshark.ts';

interface Job {
  readonly peer: string;
  readonly case: string;
  /** Ours. */
  readonly role: Role;
  run(room: Room): Promise<Verdict>;
}

const ROLES: readonly Role[] = ['client', 'server'];

/** @param ours  what stands at our end: our own stack, or a stand-in that tells a fault of ours from one of this harness */
function allJobs(ours: ProgramPeer): Job[] {
  const prepared = new Map<ProgramPeer, Promise<Program>>();
  const ready = (peer: ProgramPeer): Promise<Program> => {
    if (!prepared.has(peer)) prepared.set(peer, peer.prepare());
    return prepared.get(peer)!;
  };
  const transfers = PROGRAM_PEERS.flatMap((peer) =>
    CASES.flatMap((test) =>
      ROLES.map((role): Job => {
        const [clientPeer, serverPeer] = role === 'client' ? [ours, peer] : [peer, ours];
        const run = async (room: Room): Promise<Verdict> => {
          const missing = ours === OURS ? missingOfOurs(test, peer, role) : undefined;
          if (missing !== undefined) return { outcome: 'unsupported', detail: `${NOT_OURS_YET}: ${missing}` };
          const ends = { client: await ready(clientPeer), server: await ready(serverPeer) };
          return test.besideTcp ? runCrossTraffic(test, ends, packetOf(serverPeer), room) : runCase(test, ends, role, room);
        };
        return { peer: peer.name, case: test.name, role, run };
      }),
    ),
  );
  const webServer = ours === OURS ? OUR_WEB_SERVER : ours;
  const browser: Job = { peer: 'chromium', case: 'http3', role: 'server', run: async (room) => browse(await ready(webServer), room) };
  const dissections = ROLES.map(
    (role): Job => ({ peer: 'tshark', case: 'dissect', role, run: async (room) => dissection(await ready(ours), role, room) }),
  );
  return [...transfers, browser, ...dissections];
}

function missingOfOurs(test: InteropCase, peer: ProgramPeer, role: Role): Feature | undefined {
  const roles = peer === OURS ? ROLES : [role];
  return test.needs.find((feature) => roles.some((one) => !FEATURES[feature][one]));
}

/** One whole connection between two of ours, with the key log of one of them, as Wireshark reads it. */
async function dissection(ours: Program, role: Role, room: Room): Promise<Verdict> {
  const pcap = join(room.directory, 'connection.pcap');
  const keyLog = join(room.directory, 'keys.log');
  const test = CASES.find((candidate) => candidate.name === 'http3')!;
  const transfer = await runCase(test, { client: ours, server: ours }, role, { ...room, pcap, keyLog: { of: role, file: keyLog } });
  if (transfer.outcome !== 'passed') return transfer;
  const { datagrams, packets, complaints } = await dissect(pcap, keyLog);
  if (complaints.length > 0) return { outcome: 'failed', detail: `${complaints.length} complaints: ${complaints.slice(0, 3).join('; ')}` };
  return { outcome: 'passed', detail: `${datagrams} datagrams, ${packets} packets, all decrypted, none malformed` };
}

/** As a run of everything has them. */
function inOrder(results: readonly Result[]): Result[] {
  return everyJob.flatMap((job) =>
    results.filter((result) => result.peer === job.peer && result.case === job.case && result.role === job.role),
  );
}

async function runJob(job: Job, room: Room): Promise<Result> {
  const facts = { peer: job.peer, case: job.case, role: job.role };
  try {
    return { ...facts, ...(await job.run(room)) };
  } catch (error) {
    if (error instanceof PeerMissing) return { ...facts, outcome: 'skipped', detail: error.message };
    return { ...facts, outcome: 'failed', detail: `the harness failed: ${(error as Error).message}` };
  }
}

/**
 * @param kept      where to leave the files, captures and key logs of all runs
 * @param onResult  takes each as it comes, so that a run that is broken off loses none
 */
async function runAll(
  jobs: readonly Job[],
  random: Random,
  kept: string | undefined,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const workspace = kept ?? mkdtempSync(join(tmpdir(), 'quiclab-interop-'));
  mkdirSync(workspace, { recursive: true });
  if (kept === undefined) process.once('exit', () => rmSync(workspace, { recursive: true, force: true }));
  const certificates = makeCertificates(workspace, monotonicClock().now());
  const results: Result[] = [];
  for (const [index, job] of jobs.entries()) {
    const directory = join(workspace, `${job.peer}-${job.case}-${job.role}`);
    mkdirSync(directory);
    const room: Room = { directory, certificates, random: random.fork(`${job.peer}/${job.case}/${job.role}`) };
    const result = withEvidence(await runJob(job, kept === undefined ? room : { ...room, pcap: join(directory, 'connection.pcap') }));
    process.stderr.write(`[${index + 1}/${jobs.length}] ${line(result)}\n`);
    results.push(result);
    onResult(result);
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
  }
  return results;
}

interface Options {
  readonly json?: string;
  readonly readme?: boolean;
  readonly peer?: readonly string[];
  readonly case?: readonly string[];
  readonly role?: Role;
  readonly seed: string;
  readonly keep?: string;
  readonly standIn: string;
}

const everyJob = allJobs(OURS);
const names = (of: (job: Job) => string) => [...new Set(everyJob.map(of))];
const program = new Command('interop')
  .description('Runs our QUIC against other stacks, through the relay, and prints who got on with whom.')
  .option('--json <FILE>', 'write the results as JSON')
  .option('--readme', 'keep the results in test/interop/results.json, in the place of earlier ones, and put their table into README.md')
  .addOption(new Option('--peer <NAMES...>', 'these peers only').choices(names((job) => job.peer)))
  .addOption(new Option('--case <NAMES...>', 'these cases only').choices(names((job) => job.case)))
  .addOption(new Option('--role <ROLE>', 'this role of ours only').choices(ROLES))
  .option('--keep <DIR>', 'leave what came of each run there: files, captures and key logs')
  .option('--seed <SEED>', 'for the content of the files', '1')
  .addOption(
    new Option('--stand-in <NAME>', 'what stands at our end: another peer here tests the harness')
      .choices(PROGRAM_PEERS.map((peer) => peer.name))
      .default(OURS.name),
  )
  .showHelpAfterError('(--help lists the options)')
  .parse();
const options = program.opts<Options>();
const jobs = allJobs(PROGRAM_PEERS.find((peer) => peer.name === options.standIn)!).filter(
  (job) =>
    (options.peer?.includes(job.peer) ?? true) &&
    (options.case?.includes(job.case) ?? true) &&
    (options.role === undefined || options.role === job.role),
);
if (jobs.length === 0)
  program.error(
    `error: ${options.peer?.join(', ')} has no case ${options.case?.join(', ') ?? 'at all'} with us as ${options.role ?? 'either'}`,
  );
// 'exit' ends what was started, and a second signal must not end that: tsx passes each on that the terminal has sent to both
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const keep = (result: Result): void => {
  const kept = inOrder(updated(keptResults(), [result]));
  writeFileSync(KEPT_RESULTS, `${JSON.stringify(kept, null, 2)}\n`);
  updateReadme(kept);
};
const results = await runAll(jobs, seededRandom(options.seed), options.keep, options.readme === true ? keep : () => {});
process.stdout.write(`${matrix(results)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
process.exitCode = results.some((result) => result.outcome === 'failed') ? 1 : 0;
