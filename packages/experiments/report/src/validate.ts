import type { ResultJson, RunResult, StreamResult } from './schema.ts';

/** What is wrong with a result: every problem found (up to twenty), each with its place, one a line. */
export class ResultError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const shown = problems.slice(0, 20);
    const more = problems.length - shown.length;
    super(`not a result that can be read:\n${shown.map((problem) => `  ${problem}`).join('\n')}${more > 0 ? `\n  and ${more} more` : ''}`);
    this.name = 'ResultError';
    this.problems = problems;
  }
}

/** A result from JSON: every field of this schema there and of its type, and the sums right. Fields not known here are kept. Throws ResultError. */
export function parseResult(value: unknown): ResultJson {
  const problems: string[] = [];
  if (isRecord(value) && value.schema !== 1)
    throw new ResultError([`schema is ${JSON.stringify(value.schema)}; this version of quiclab reads schema 1`]);
  check(value, RESULT, 'result', problems);
  if (problems.length === 0) for (const [i, run] of (value as ResultJson).runs.entries()) checkRun(run, `runs[${i}]`, problems);
  if (problems.length > 0) throw new ResultError(problems);
  return value as ResultJson;
}

function checkRun(run: RunResult, where: string, problems: string[]): void {
  const ids = new Set<number>();
  for (const { id } of run.streams) {
    if (ids.has(id)) problems.push(`${where}: two streams have id ${id}`);
    ids.add(id);
  }
  for (const stream of run.streams) checkStream(stream, ids, `${where}, stream ${stream.id}`, problems);
}

function checkStream(stream: StreamResult, ids: ReadonlySet<number>, where: string, problems: string[]): void {
  let own = 0;
  let other = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { from, to, blame } of stream.intervals) {
    if (from >= to || from < reached) problems.push(`${where}: the interval from ${from} to ${to} is empty or not in order`);
    if (typeof blame === 'number' && !ids.has(blame)) problems.push(`${where}: stream ${blame} is blamed, which there is not`);
    if (blame === 'own') own += to - from;
    else other += to - from;
    reached = to;
  }
  if (own !== stream.blocked.own || other !== stream.blocked.other)
    problems.push(
      `${where}: blocked says own ${stream.blocked.own}, other ${stream.blocked.other}; the intervals sum to ${own} and ${other}`,
    );
  if (stream.lostAt.length !== stream.lostPackets)
    problems.push(`${where}: lostPackets says ${stream.lostPackets}, lostAt has ${stream.lostAt.length}`);
  if (stream.firstByte > stream.completion)
    problems.push(`${where}: the first byte (${stream.firstByte}) is after completion (${stream.completion})`);
}

/** What a value must be: a named test, a list of one kind, or an object with these fields ('name?' may be missing). */
type Shape = Test | { readonly list: Shape } | { readonly fields: Readonly<Record<string, Shape>> };
interface Test {
  readonly is: (value: unknown) => boolean;
  readonly name: string;
}

const WHOLE: Test = { is: (value) => Number.isSafeInteger(value) && (value as number) >= 0, name: 'a whole number from 0 on' };
const ANY_WHOLE: Test = { is: Number.isSafeInteger, name: 'a whole number' };
const NUMBER: Test = { is: Number.isFinite, name: 'a number' };
const FRACTION: Test = { is: (value) => typeof value === 'number' && value >= 0 && value <= 1, name: 'a number from 0 to 1' };
const TEXT: Test = { is: (value) => typeof value === 'string', name: 'a text' };
const BLAME: Test = {
  is: (value) => value === 'own' || value === 'connection' || WHOLE.is(value),
  name: "'own', 'connection' or the id of a stream",
};
const oneOf = (...values: readonly unknown[]): Test => ({
  is: (value) => values.includes(value),
  name: values.map((value) => JSON.stringify(value)).join(' or '),
});
const LINK: Shape = { fields: { entered: WHOLE, lost: WHOLE, queueDropped: WHOLE } };
const INTERVAL: Shape = { fields: { from: ANY_WHOLE, to: ANY_WHOLE, blame: BLAME } };
const STREAM: Shape = {
  fields: {
    id: WHOLE,
    file: TEXT,
    bytes: WHOLE,
    requested: WHOLE,
    firstByte: WHOLE,
    completion: WHOLE,
    lostPackets: WHOLE,
    lostAt: { list: ANY_WHOLE },
    blocked: { fields: { own: WHOLE, other: WHOLE } },
    blockedByteTime: WHOLE,
    intervals: { list: INTERVAL },
  },
};
const RUN: Shape = {
  fields: {
    model: TEXT,
    seed: WHOLE,
    pageLoad: WHOLE,
    streams: { list: STREAM },
    links: { fields: { up: LINK, down: LINK } },
    'lateness?': { fields: { p50: WHOLE, p99: WHOLE } },
  },
};
const PLAN: Shape = {
  fields: { models: { list: TEXT }, files: WHOLE, loss: FRACTION, delay: WHOLE, rate: NUMBER, queue: WHOLE, repeat: WHOLE },
};
const RESULT: Shape = {
  fields: {
    schema: oneOf(1),
    seed: WHOLE,
    world: oneOf('simulated', 'relay'),
    version: TEXT,
    plan: PLAN,
    runs: { list: RUN },
    comparison: {
      is: (value) => value === null || (isRecord(value) && TEXT.is(value.sentence)),
      name: 'null, or an object with a sentence',
    },
  },
};

function check(value: unknown, shape: Shape, where: string, problems: string[]): void {
  if ('is' in shape) {
    if (!shape.is(value)) problems.push(`${where} must be ${shape.name}, it is ${shown(value)}`);
  } else if ('list' in shape) {
    if (!Array.isArray(value)) problems.push(`${where} must be a list, it is ${shown(value)}`);
    else for (const [i, item] of value.entries()) check(item, shape.list, `${where}[${i}]`, problems);
  } else if (!isRecord(value)) problems.push(`${where} must be an object, it is ${shown(value)}`);
  else
    for (const [key, field] of Object.entries(shape.fields)) {
      const name = key.replace('?', '');
      if (value[name] === undefined && key.endsWith('?')) continue;
      check(value[name], field, where === 'result' ? name : `${where}.${name}`, problems);
    }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
