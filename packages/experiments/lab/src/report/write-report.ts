import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PlanJson, planReport } from '@quiclab/report';
import { stringify } from 'yaml';

/** Writes report.html beside result.json. @returns where it is */
export function writeReport(dir: string, result: PlanJson): string {
  const file = join(dir, 'report.html');
  writeFileSync(file, reportOf(result));
  return file;
}

/** The page of a result. */
export const reportOf = (result: PlanJson): string => planReport({ result, yaml: stringify(result.plan.plan), details: [] });

/** What `quiclab run` left in a directory. Throws an Error that names the file. */
export function readResult(dir: string): PlanJson {
  const file = join(dir, 'result.json');
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
