import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { htmlReport, type RunResult, terminalTable } from '@quiclab/report';
import { filesWorkload } from '@quiclab/workload';
import { fileSource, hashFile, largestFiles, listFiles, type ServedFile } from '../files.ts';
import type { ModelName } from '../models/model.ts';
import { Progress } from '../progress.ts';
import type { RunRecord } from '../record.ts';
import { openTraces, type TraceFiles } from '../trace-files.ts';
import { linkConfig } from '../worlds/links.ts';
import { runOverRelay } from '../worlds/relay.ts';
import { runSimulated } from '../worlds/simulated.ts';
import type { DemoOptions } from './options.ts';
import { resultJson, runResult } from './result.ts';

/** Runs the demo and writes its results; throws an Error for what cannot be run, naming what was wrong. */
export async function demo(options: DemoOptions): Promise<void> {
  const files = largestFiles(listFiles(options.dir), options.files);
  if (files.length === 0) throw new Error(`--dir: '${options.dir}' holds no files to serve`);
  const hashes = new Map(files.map((file) => [file.path, hashFile(options.dir, file)]));
  const octets = files.reduce((sum, { size }) => sum + size, 0);
  mkdirSync(options.out, { recursive: true });
  const traces = { ...traceTargets(options.out), dialect: options.qlog };
  const progress = new Progress(octets * options.models.length * options.repeat);
  const runs: RunResult[] = [];
  try {
    for (let seed = options.seed; seed < options.seed + options.repeat; seed++)
      for (const model of options.models) {
        progress.begin(options.repeat > 1 ? `${model}, seed ${seed}` : model);
        // traces of the first seed only: thirty times the same files at other losses would hide what one is looking for
        const name = seed === options.seed ? `${model}-seed${seed}` : '';
        const record = await runOnce(options, model, seed, files, { ...traces, name }, (at) => progress.at(at));
        verify(record, hashes);
        runs.push(runResult(record));
        progress.end(octets);
      }
  } finally {
    progress.stop();
  }
  const result = resultJson(options, files.length, runs);
  const json = `${JSON.stringify(result, null, 2)}\n`;
  const resultFile = join(options.out, 'result.json');
  const page = join(options.out, 'report.html');
  writeFileSync(resultFile, json);
  writeFileSync(page, htmlReport(result));
  if (options.json) process.stdout.write(json);
  else {
    process.stdout.write(`${terminalTable(result, process.stdout.columns ?? 120)}\n\n`);
    process.stdout.write(`All ${files.length} files arrived as they are on disk (SHA-256), in every run.\n`);
    process.stdout.write(`Page: ${page}   figures: ${resultFile}   qlog: ${traces.qlogDir}   TLS secrets: ${traces.keyLog}\n`);
  }
}

/** SSLKEYLOGFILE and QLOGDIR, or files under `out`, where an earlier key log is not added to. */
function traceTargets(out: string): Pick<TraceFiles, 'qlogDir' | 'keyLog'> {
  const qlogDir = process.env.QLOGDIR || join(out, 'qlog');
  mkdirSync(qlogDir, { recursive: true });
  const keyLog = process.env.SSLKEYLOGFILE || join(out, 'keys.log');
  if (!process.env.SSLKEYLOGFILE) rmSync(keyLog, { force: true });
  return { qlogDir, keyLog };
}

async function runOnce(
  options: DemoOptions,
  model: ModelName,
  seed: number,
  files: readonly ServedFile[],
  traces: TraceFiles,
  onProgress: (octets: number) => void,
): Promise<RunRecord> {
  const page = filesWorkload(files);
  const { dir, path } = options;
  const links = { up: linkConfig(path), down: linkConfig(path) };
  if (!options.simulated) return runOverRelay({ model, seed, links, content: { dir, files }, page, traces, onProgress });
  const client = openTraces('client', traces, 0);
  const server = openTraces('server', traces, 0);
  const record = runSimulated({
    model,
    seed,
    links,
    page,
    source: fileSource(dir, files),
    observers: { client: client.observer, server: server.observer },
  });
  client.close();
  server.close();
  return record;
}

/** Every file came, whole and unchanged. */
function verify(record: RunRecord, hashes: ReadonlyMap<string, string>): void {
  for (const { id, status, sha256, bytes } of record.objects)
    if (status !== 200 || sha256 !== hashes.get(id))
      throw new Error(`${record.model}, seed ${record.seed}: '${id}' did not arrive as it is on disk (status ${status}, ${bytes} octets)`);
}
