import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PlanJson, type PlanResult, planReport } from '@quiclab/report';
import { stringify } from 'yaml';
import { prepareDocument } from '../plan/prepare.ts';
import { planJson } from '../run/result.ts';
import { Schedule } from '../run/specs.ts';
import { readHead, readRuns, type StoreHead, TABLES } from '../run/store.ts';
import { type Details, detailsOf } from './details.ts';

/**
 * Writes report.html beside result.json.
 * @param again      whether single runs are made again to look at, which takes time
 * @param influence  packets to drop for influence matrices, instead of what the plan asks for
 * @returns where it is
 */
export function writeReport(dir: string, result: PlanResult, again: boolean, influence?: number): string {
  const file = join(dir, 'report.html');
  writeFileSync(
    file,
    reportOf(
      result,
      again ? remade(result, influence) : { details: [], missing: 'No run was made again to look at: quiclab report does it.' },
      existsSync(join(dir, TABLES.runs)),
    ),
  );
  return file;
}

/** The page of a result. @param parquet  whether runs.parquet is beside it */
export const reportOf = (result: PlanResult, details: Details, parquet = false): string =>
  planReport({ result, yaml: stringify(result.plan.plan), ...details, parquet });

function remade(result: PlanResult, influence?: number): Details {
  const show = process.stderr.isTTY === true;
  const details = detailsOf(
    result,
    (done, total) => void (show && process.stderr.write(`\rreport: run ${done + 1} of ${total} made again `)),
    influence,
  );
  if (show) process.stderr.write('\n');
  return details;
}

/** A string has room for twice as many octets, and JSON of so many takes some GB of objects. */
const MOST_OCTETS = 2 ** 28;

/**
 * What `quiclab run` left in a directory. Throws an Error that names the file.
 * @param most  octets of a result.json that is read as one; of a longer one runs are read from runs.jsonl, as they are asked for
 */
export function readResult(dir: string, most = MOST_OCTETS): PlanResult {
  const file = join(dir, 'result.json');
  const head = readHead(dir);
  if (head !== undefined && existsSync(file) && statSync(file).size > most) return resultOfLines(dir, head);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Error(`there is no '${file}': quiclab run writes it, with --out ${dir}`);
  }
  let result: PlanJson;
  try {
    result = JSON.parse(text) as PlanJson;
  } catch (problem) {
    throw new Error(`'${file}' is not JSON: ${(problem as Error).message}`);
  }
  if (result?.kind !== 'plan' || result.schema !== 1) throw new Error(`'${file}' is not the result of a plan, or of another version`);
  return result;
}

function resultOfLines(dir: string, { document, world, version, shard }: StoreHead): PlanResult {
  const plan = prepareDocument(document);
  const schedule = new Schedule(plan, shard ?? undefined);
  for (const run of readRuns(dir)) schedule.add(run);
  return { ...planJson(plan, world, readRuns(dir, schedule.done), schedule.next().count === 0), version };
}
