import { DEFAULT_PRIORITY, type Fields, isFieldValue, isLowerCaseFieldName, isToken, type Priority } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';

/** One exchange of a page: what is asked for, what comes back, and what must have arrived before it is asked for. */
export interface PageObject {
  /** Unique within the page. */
  readonly id: string;
  /** The host name that it is asked of; pages of several hosts are how sharding and third parties are told. */
  readonly host: string;
  readonly method: string;
  /** Begins with '/'. */
  readonly path: string;
  /** Octets of the response's content. 1 KB is 1,000 octets. */
  readonly size: number;
  /** Octets of the request's content. */
  readonly upload: number;
  /** RFC 9218. */
  readonly priority: Priority;
  /** From the whole request at the server to the first octet of its response. */
  readonly serverTime: Micros;
  /** Ids of the objects that must have arrived wholly before this one is asked for; none: asked for at the start. */
  readonly after: readonly string[];
}

/** Objects in the order in which they are asked for where nothing else decides. */
export interface Page {
  readonly name: string;
  readonly objects: readonly PageObject[];
  /** What the client says with every request, and the server with every response, beyond what they must. */
  readonly requestFields: Fields;
  readonly responseFields: Fields;
}

/** A page as people write it: everything but path and size has a default. */
export interface PageDraft {
  readonly name: string;
  /** For objects that name no host. Default 'localhost'. */
  readonly host?: string;
  readonly objects: readonly ObjectDraft[];
  /** Default: none. */
  readonly requestFields?: Fields;
  readonly responseFields?: Fields;
}
export type ObjectDraft = Pick<PageObject, 'path' | 'size'> & Partial<PageObject>;

/** What is wrong with a page: every problem found, one a line. */
export class PageError extends Error {
  readonly problems: readonly string[];

  constructor(name: string, problems: readonly string[]) {
    super(`page '${name}' cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'PageError';
    this.problems = problems;
  }
}

/** Fills in the defaults (the id is the path) and checks. Throws PageError. */
export function definePage(draft: PageDraft): Page {
  const host = draft.host ?? 'localhost';
  const objects = draft.objects.map(
    (object): PageObject => ({
      id: object.id ?? object.path,
      host: object.host ?? host,
      method: object.method ?? 'GET',
      path: object.path,
      size: object.size,
      upload: object.upload ?? 0,
      priority: object.priority ?? DEFAULT_PRIORITY,
      serverTime: object.serverTime ?? 0,
      after: object.after ?? [],
    }),
  );
  const { requestFields = [], responseFields = [] } = draft;
  const problems = [...problemsOf(objects), ...fieldProblems(requestFields), ...fieldProblems(responseFields)];
  if (problems.length > 0) throw new PageError(draft.name, problems);
  return { name: draft.name, objects, requestFields, responseFields };
}

/** A page from JSON that someone wrote: of the shape of PageDraft, every field of the right type. Throws PageError. */
export function parsePage(value: unknown): Page {
  if (!isRecord(value)) throw new PageError('', [`a page is an object, this is ${kindOf(value)}`]);
  const name = typeof value.name === 'string' ? value.name : '';
  const problems: string[] = [];
  if (name === '') problems.push(`name must be a text, it is ${kindOf(value.name)}`);
  if (value.host !== undefined && typeof value.host !== 'string') problems.push(`host must be a text, it is ${kindOf(value.host)}`);
  for (const lines of ['requestFields', 'responseFields'] as const)
    if (value[lines] !== undefined && !isFields(value[lines])) problems.push(`${lines} must be a list of pairs of texts`);
  for (const field of Object.keys(value))
    if (!['name', 'host', 'objects', 'requestFields', 'responseFields'].includes(field)) problems.push(`there is no field '${field}'`);
  if (!Array.isArray(value.objects)) problems.push(`objects must be a list, it is ${kindOf(value.objects)}`);
  else for (const [index, object] of value.objects.entries()) problems.push(...typeProblems(object, `objects[${index}]`));
  if (problems.length > 0) throw new PageError(name, problems);
  return definePage(value as unknown as PageDraft);
}

const FIELDS: Readonly<Record<keyof PageObject, (value: unknown) => boolean>> = {
  id: isText,
  host: isText,
  method: isText,
  path: isText,
  size: isNumber,
  upload: isNumber,
  priority: (value) => isRecord(value) && isNumber(value.urgency) && typeof value.incremental === 'boolean',
  serverTime: isNumber,
  after: (value) => Array.isArray(value) && value.every(isText),
};
const EXPECTED: Readonly<Record<keyof PageObject, string>> = {
  id: 'a text',
  host: 'a text',
  method: 'a text',
  path: 'a text',
  size: 'a number',
  upload: 'a number',
  priority: '{ urgency: number, incremental: boolean }',
  serverTime: 'a number of microseconds',
  after: 'a list of ids',
};

function typeProblems(object: unknown, where: string): string[] {
  if (!isRecord(object)) return [`${where} must be an object, it is ${kindOf(object)}`];
  const problems: string[] = [];
  for (const required of ['path', 'size']) if (object[required] === undefined) problems.push(`${where} has no ${required}`);
  for (const [field, value] of Object.entries(object)) {
    if (!Object.hasOwn(FIELDS, field)) problems.push(`${where} has a field '${field}', which there is not`);
    else if (!FIELDS[field as keyof PageObject](value))
      problems.push(`${where}.${field} must be ${EXPECTED[field as keyof PageObject]}, it is ${kindOf(value)}`);
  }
  return problems;
}

function problemsOf(objects: readonly PageObject[]): string[] {
  const problems: string[] = [];
  const byId = new Map<string, PageObject>();
  if (objects.length === 0) problems.push('it has no objects');
  for (const object of objects) {
    const { id } = object;
    const say = (problem: string): void => void problems.push(`'${id}': ${problem}`);
    if (byId.has(id)) say('two objects have this id');
    byId.set(id, object);
    if (id === '') say('an id must not be empty');
    if (object.host === '') say('a host must not be empty');
    if (!object.path.startsWith('/')) say(`path '${object.path}' does not begin with '/'`);
    if (/[^!-~]/.test(object.path)) say(`path '${object.path}' holds a character that must be percent-encoded`);
    if (!isToken(object.method)) say(`method '${object.method}' is no token`);
    for (const field of ['size', 'upload', 'serverTime'] as const)
      if (!Number.isSafeInteger(object[field]) || object[field] < 0)
        say(`${field} is ${object[field]}; it must be a whole number from 0 on`);
    const { urgency } = object.priority;
    if (!Number.isInteger(urgency) || urgency < 0 || urgency > 7) say(`urgency is ${urgency}; it must be a whole number from 0 to 7`);
    if (new Set(object.after).size !== object.after.length) say('it waits for the same object twice');
  }
  for (const { id, after } of objects)
    for (const parent of after) if (!byId.has(parent)) problems.push(`'${id}': waits for '${parent}', which is not on the page`);
  if (problems.length === 0) {
    const cycle = findCycle(objects);
    if (cycle !== undefined) problems.push(`these wait for each other: ${cycle.join(' → ')}`);
  }
  return problems;
}

const fieldProblems = (fields: Fields): string[] =>
  fields.flatMap(([name, value]) => {
    if (!isLowerCaseFieldName(name)) return [`field '${name}': a name is a token in small letters`];
    return isFieldValue(value) ? [] : [`field '${name}': '${value}' is no value`];
  });

/** A cycle of `after`, its first id again at its end. Takes away what waits for nothing left until only cycles stay. */
function findCycle(objects: readonly PageObject[]): string[] | undefined {
  const waiting = new Map(objects.map((object) => [object.id, new Set(object.after)]));
  const children = new Map<string, string[]>(objects.map((object) => [object.id, []]));
  for (const { id, after } of objects) for (const parent of after) children.get(parent)!.push(id);
  const free = objects.filter((object) => object.after.length === 0).map((object) => object.id);
  for (let i = 0; i < free.length; i++) {
    waiting.delete(free[i]!);
    for (const child of children.get(free[i]!)!) {
      const left = waiting.get(child)!;
      left.delete(free[i]!);
      if (left.size === 0) free.push(child);
    }
  }
  let at = waiting.keys().next().value;
  if (at === undefined) return undefined;
  const trail: string[] = [];
  while (!trail.includes(at)) {
    trail.push(at);
    at = waiting.get(at)!.values().next().value!;
  }
  return [...trail.slice(trail.indexOf(at)), at];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function isFields(value: unknown): boolean {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText));
}
function isText(value: unknown): value is string {
  return typeof value === 'string';
}
function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
function kindOf(value: unknown): string {
  return value === undefined ? 'missing' : value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
