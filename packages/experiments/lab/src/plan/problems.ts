import { type Document, isMap, isScalar, type LineCounter, type Node } from 'yaml';
import type { z } from 'zod';

export type KeyPath = readonly (string | number)[];

/** One thing that is wrong with a plan. Lines and columns count from 1; 0: it was not written as YAML. */
export interface PlanProblem {
  readonly line: number;
  readonly column: number;
  /** 'topology.down.loss'; '' for the plan itself. */
  readonly key: string;
  readonly message: string;
}

const MOST_SHOWN = 20;

/** A plan that cannot be run: every problem found, one a line, as compilers write them. */
export class PlanError extends Error {
  readonly problems: readonly PlanProblem[];

  /** @param source  what the user called the plan */
  constructor(source: string, problems: readonly PlanProblem[]) {
    super(
      problems
        .slice(0, MOST_SHOWN)
        .map((problem) => `${source}${placeOf(problem)}: ${problem.key === '' ? '' : `${problem.key}: `}${problem.message}`)
        .join('\n'),
    );
    this.name = 'PlanError';
    this.problems = problems;
  }
}

const placeOf = ({ line, column }: PlanProblem): string => (line === 0 ? '' : `:${line}:${column}`);

/** 'workload.flows[1]' */
export const keyText = (path: KeyPath): string =>
  path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');

/** Where in the plan something is, and what is wrong with it. */
export interface Finding {
  readonly path: KeyPath;
  /** It is the key itself that is wrong, not its value. */
  readonly atKey: boolean;
  readonly message: string;
}

/** What a schema found, in words for people. @param value  what it was given */
export function findings(issues: readonly z.core.$ZodIssue[], value: unknown): Finding[] {
  return issues.flatMap((issue) => findingsOf(issue, [], value));
}

function findingsOf(issue: z.core.$ZodIssue, before: KeyPath, value: unknown): Finding[] {
  const path = [...before, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...path, key], atKey: true, message: messages[i] ?? issue.message }));
  }
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors, valueAt(value, path));
    if (meant !== undefined) return meant.flatMap((inner) => findingsOf(inner, path, value));
    return [{ path, atKey: false, message: valueAt(value, path) === undefined ? 'is missing' : unionMessage(issue) }];
  }
  const missing = issue.code !== 'custom' && path.length > 0 && valueAt(value, path) === undefined;
  return [{ path, atKey: false, message: missing ? 'is missing' : issue.message }];
}

/** Of what a value could have been, what it seems to be: the only one of its type, or the one that it has the keys of. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[], value: unknown): readonly z.core.$ZodIssue[] | undefined {
  const ofType = branches.filter(
    (issues) => !issues.some(({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
  );
  if (ofType.length < 2) return ofType[0];
  const fitting = ofType.filter((issues) => {
    const otherKeys = issues.some(({ code, path }) => code === 'unrecognized_keys' && path.length === 0);
    const lacks = issues.some(({ path }) => path.length === 1 && valueAt(value, path as KeyPath) === undefined);
    return !(otherKeys && lacks);
  });
  if (fitting.length > 0) return fitting.sort((a, b) => a.length - b.length)[0];
  // each lacks a key and has one too many: the one that knows most of those that are there, if it knows any
  const strange = (issues: readonly z.core.$ZodIssue[]): number =>
    issues.reduce((sum, issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? sum + issue.keys.length : sum), 0);
  const [closest] = ofType.sort((a, b) => strange(a) - strange(b));
  return closest !== undefined && typeof value === 'object' && value !== null && strange(closest) < Object.keys(value).length
    ? closest
    : undefined;
}

const ZODS_OWN = /^Invalid /;

function unionMessage({ message, errors }: Extract<z.core.$ZodIssue, { readonly code: 'invalid_union' }>): string {
  if (!ZODS_OWN.test(message)) return message;
  const messages = [...new Set(errors.flatMap((issues) => issues.slice(0, 1).map((one) => one.message)))].filter(
    (one) => !ZODS_OWN.test(one),
  );
  return messages.find((one) => one.includes('has no unit')) ?? messages.join(', or ');
}

export function valueAt(value: unknown, path: KeyPath): unknown {
  let at: unknown = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[part];
  }
  return at;
}

/** Tells where a path stands in what was written: of what is not there, where its parent is. */
export class Places {
  readonly #document: Document | undefined;
  readonly #lines: LineCounter | undefined;

  constructor(document?: Document, lines?: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  problem({ path, atKey, message }: Finding): PlanProblem {
    const offset = this.#offsetOf(path, atKey);
    const place = offset === undefined ? undefined : this.#lines?.linePos(offset);
    return { line: place?.line ?? 0, column: place?.col ?? 0, key: keyText(path), message };
  }

  #offsetOf(path: KeyPath, atKey: boolean): number | undefined {
    const document = this.#document;
    if (document === undefined) return undefined;
    if (atKey) {
      const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
      const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1))) : undefined;
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0];
    }
    for (let length = path.length; length >= 0; length--) {
      const node = (length === 0 ? document.contents : document.getIn(path.slice(0, length), true)) as Node | undefined | null;
      if (node?.range) return node.range[0];
    }
    return undefined;
  }
}
