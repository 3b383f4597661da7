import { unknownName } from './nearest.ts';
import { type Finding, type KeyPath, valueAt } from './problems.ts';

/** What a plan varies. */
export interface Variable {
  readonly key: string;
  readonly path: KeyPath;
  readonly values: readonly unknown[];
  /** As people would say them, each once. */
  readonly labels: readonly string[];
  /** Which of them were written as { label, value }. */
  readonly labelled: readonly boolean[];
}

/** One combination of values: which of each variable, and the plan that results. */
export interface Combination {
  readonly choices: readonly number[];
  readonly plan: Readonly<Record<string, unknown>>;
}

/** A value that is too long to be its own name. */
const isLabelled = (value: unknown): value is { readonly label: string; readonly value: unknown } =>
  isMap(value) && typeof value.label === 'string' && 'value' in value && Object.keys(value).length === 2;

const FIXED = ['question', 'vary', 'repeats', 'firstSeed', 'reference', 'outputs', '$schema'];

type Raw = Readonly<Record<string, unknown>>;

/** Reads `vary`. What is wrong with it goes to `found`. */
export function variablesOf(raw: Raw, found: Finding[]): Variable[] {
  const { vary } = raw;
  if (vary === undefined) return [];
  const say = (path: KeyPath, message: string, atKey = false): void => void found.push({ path: ['vary', ...path], atKey, message });
  if (!isMap(vary)) {
    say([], 'must be key paths with lists of values: topology.down.loss: [0%, 1%]');
    return [];
  }
  const variables: Variable[] = [];
  for (const [key, values] of Object.entries(vary)) {
    if (!Array.isArray(values) || values.length === 0) {
      say([key], 'must be a list of values');
      continue;
    }
    if (values.length > 1_000) say([key], `has ${values.length} values; 1000 are the most`);
    const path = key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    if (FIXED.includes(String(path[0]))) say([key], `${path[0]} cannot be varied`, true);
    const labelled = values.map(isLabelled);
    const labels = values.map((value) => (isLabelled(value) ? value.label : labelOf(value)));
    for (const [i, label] of labels.entries()) if (labels.indexOf(label) < i) say([key, i], `has '${label}' twice`);
    variables.push({ key, path, values: values.map((value) => (isLabelled(value) ? value.value : value)), labels, labelled });
  }
  return variables;
}

/** All combinations; the last variable changes fastest. */
export function* combinations(raw: Raw, variables: readonly Variable[]): Generator<Combination> {
  const { vary: _vary, ...base } = raw;
  const choices = variables.map(() => 0);
  for (;;) {
    let plan: Raw = base;
    for (const [i, { path, values }] of variables.entries()) plan = withValue(plan, path, values[choices[i]!]) as Raw;
    yield { choices: [...choices], plan };
    let at = variables.length - 1;
    while (at >= 0 && ++choices[at]! === variables[at]!.values.length) choices[at--] = 0;
    if (at < 0) return;
  }
}

/** The plan with one value in another place. What stands in the way of the path is replaced: the schema will say if that is wrong. */
function withValue(at: unknown, [part, ...rest]: KeyPath, value: unknown): unknown {
  if (part === undefined) return value;
  const inner = withValue(valueAt(at, [part]), rest, value);
  if (Array.isArray(at) && typeof part === 'number') return at.map((element, i) => (i === part ? inner : element));
  return { ...(isMap(at) ? at : {}), [part]: inner };
}

/** Something of a plan in one line: '1%', 'bursts, share 1%, mean 4 packets'. */
export function labelOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(labelOf).join(' + ');
  if (!isMap(value)) return String(value);
  return Object.entries(value)
    .map(([key, inner]) => (key === 'model' ? labelOf(inner) : isMap(inner) ? `${key}: ${labelOf(inner)}` : `${key} ${labelOf(inner)}`))
    .join(', ');
}

/** What the others are held against: a model, some values of what is varied, or both. Those that are not said stay as they are. */
export interface Reference {
  readonly model?: string;
  /** By variable: which of its values. */
  readonly choices: readonly (number | undefined)[];
}

/** @param subjects  the names of models or transfers; the first is the reference where nothing is said */
export function referenceOf(raw: Raw, variables: readonly Variable[], subjects: readonly string[], found: Finding[]): Reference {
  const { reference } = raw;
  const none = variables.map(() => undefined);
  const subject = (name: string, path: KeyPath): string => {
    if (!subjects.includes(name)) found.push({ path, atKey: false, message: unknownName(name, 'among what is compared', subjects) });
    return name;
  };
  if (reference === undefined) return { model: subjects[0]!, choices: none };
  if (!isMap(reference)) return { model: subject(String(reference), ['reference']), choices: none };
  const choices: (number | undefined)[] = [...none];
  let model: string | undefined;
  for (const [key, value] of Object.entries(reference)) {
    const which = variables.findIndex((variable) => variable.key === key);
    if (key === 'model') model = subject(String(value), ['reference', 'model']);
    else if (which < 0)
      found.push({
        path: ['reference', key],
        atKey: true,
        message: unknownName(key, 'varied', ['model', ...variables.map((one) => one.key)]),
      });
    else {
      const { labels } = variables[which]!;
      const choice = labels.indexOf(labelOf(value));
      if (choice < 0)
        found.push({ path: ['reference', key], atKey: false, message: unknownName(labelOf(value), 'among its values', labels) });
      else choices[which] = choice;
    }
  }
  return { ...(model !== undefined && { model }), choices };
}

const isMap = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);
