import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LineCounter, parseDocument } from 'yaml';
import type { PresetName } from '../presets/presets.ts';
import { nearest } from './nearest.ts';
import { type PreparedPlan, preparePlan } from './prepare.ts';
import { Places, PlanError, type PlanProblem } from './problems.ts';

/** A plan is text that someone wrote; the files that it names may be records. */
const MOST_PLAN_OCTETS = 1 << 20;
const MOST_FILE_OCTETS = 1 << 26;
const MOST_ALIASES = 100;

/** Where the plans are that come with the program. */
const SHIPPED = fileURLToPath(new URL('../../plans', import.meta.url));

export const shippedPlans = (): string[] =>
  readdirSync(SHIPPED)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();

/** A file of a plan that comes with the program: the plan, or its page. */
export const shippedPlan = (name: string, ending: 'yaml' | 'md'): string => join(SHIPPED, `${name}.${ending}`);

/** The file of a plan: a path, or the name of one that comes with the program. Throws an Error that says what there is. */
export function planFile(name: string): string {
  if (existsSync(name)) {
    if (statSync(name).isDirectory()) throw new Error(`'${name}' is a directory; a plan is a file`);
    return resolve(name);
  }
  const shipped = shippedPlans();
  if (shipped.includes(name)) return shippedPlan(name, 'yaml');
  const meant = nearest(name, shipped);
  throw new Error(
    `there is no plan '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}${/[/.]/.test(name) ? '' : ` (plans that come with the program: ${shipped.join(', ')})`}`,
  );
}

/** What a caller says in place of what the plan has. */
export interface PlanChanges {
  readonly seeds?: number;
  /** Instead of its links; what is varied of them, and name look-ups and the gateway, stay. */
  readonly preset?: PresetName;
}

/**
 * Reads a plan: YAML (.yaml, .yml, .json), or a module whose default export is one (.ts, .js, .mjs).
 * @param name  as the user said it
 * @throws PlanError, or an Error where there is no such file
 */
export async function loadPlan(name: string, changes: PlanChanges = {}): Promise<PreparedPlan> {
  const path = planFile(name);
  const read = (file: string): string => readText(resolve(dirname(path), file), file, MOST_FILE_OCTETS);
  const changed = (raw: unknown): unknown => changedPlan(raw, changes);
  if (/^\.[cm]?[jt]s$/.test(extname(path))) return preparePlan(changed(await importPlan(path, name)), read, { source: name });
  const text = readText(path, name, MOST_PLAN_OCTETS);
  const { raw, places } = parseYaml(text, name);
  return preparePlan(changed(raw), read, { source: name, places });
}

function changedPlan(raw: unknown, { seeds, preset }: PlanChanges): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const {
    both: _both,
    up: _up,
    down: _down,
    ...topology
  } = (raw as { readonly topology?: Readonly<Record<string, unknown>> }).topology ?? {};
  return { ...raw, ...(seeds !== undefined && { repeats: seeds }), ...(preset !== undefined && { topology: { ...topology, preset } }) };
}

/** A plan that is text. @param source  what it is called in errors */
export function parsePlan(text: string, source: string, read: (file: string) => string): PreparedPlan {
  const { raw, places } = parseYaml(text, source);
  return preparePlan(raw, read, { source, places });
}

function parseYaml(text: string, source: string): { readonly raw: unknown; readonly places: Places } {
  const lines = new LineCounter();
  const at = (offset: number, message: string): PlanProblem => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, key: '', message };
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = [...document.errors, ...document.warnings]; // those that follow are often its consequences
    if (error !== undefined)
      throw new PlanError(source, [at(error.pos[0], /call stack/.test(error.message) ? 'is nested too deeply' : error.message)]);
    return { raw: document.toJS({ maxAliasCount: MOST_ALIASES }), places: new Places(document, lines) };
  } catch (problem) {
    if (problem instanceof PlanError) throw problem;
    const message = problem instanceof RangeError ? 'is nested too deeply' : (problem as Error).message;
    throw new PlanError(source, [{ line: 0, column: 0, key: '', message }]);
  }
}

async function importPlan(path: string, name: string): Promise<unknown> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION')
      throw new Error(`'${name}': this Node does not read TypeScript; run it with tsx, or write the plan in YAML`);
    throw new Error(`'${name}': ${(problem as Error).message}`);
  }
  if (module.default === undefined) throw new Error(`'${name}' has no default export: export default definePlan({ … })`);
  return JSON.parse(JSON.stringify(module.default)); // what a result can hold
}

function readText(path: string, name: string, most: number): string {
  let octets: Buffer;
  try {
    const { size } = statSync(path);
    if (size > most) throw new Error(`'${name}' has ${size} octets; ${most} are the most`);
    octets = readFileSync(path);
  } catch (problem) {
    const { code } = problem as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`there is no file '${name}'`);
    if (code === 'EISDIR') throw new Error(`'${name}' is a directory`);
    throw code === undefined ? problem : new Error(`'${name}' cannot be read (${code})`);
  }
  if (octets.length === 0) throw new PlanError(name, [{ line: 1, column: 1, key: '', message: 'is empty' }]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw new Error(`'${name}' is not UTF-8 text`);
  }
}
