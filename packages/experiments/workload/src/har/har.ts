import { isToken } from '@quiclab/http-semantics';
import { parseInstant } from './instant.ts';

/** What is wrong with a HAR file: the first problems found, one a line, each with the number of its entry (from 1) and the key. */
export class HarError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the HAR file cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'HarError';
    this.problems = problems;
  }
}

export interface HarLimits {
  /** Characters of the text. */
  readonly characters: number;
  readonly entries: number;
}
export const defaultHarLimits: HarLimits = { characters: 64 * 1024 * 1024, entries: 10_000 };

/** A field of a request or a response. The name is in small letters. */
export interface HarField {
  readonly name: string;
  readonly value: string;
}

/** One entry, as far as a page needs it. Sizes are -1 and instants NaN where the file does not say. */
export interface HarEntry {
  /** From 1, as in errors. */
  readonly number: number;
  readonly page: string;
  /** ms since the Unix epoch. */
  readonly start: number;
  /** ms. */
  readonly time: number;
  readonly method: string;
  readonly url: string;
  readonly requestFields: readonly HarField[];
  readonly requestHeadersSize: number;
  readonly requestBodySize: number;
  readonly status: number;
  readonly error: string;
  readonly redirect: string;
  readonly responseFields: readonly HarField[];
  readonly responseHeadersSize: number;
  readonly bodySize: number;
  readonly transferSize: number;
  readonly contentSize: number;
  readonly compression: number;
  readonly mimeType: string;
  /** ms, -1 where it did not happen. */
  readonly connect: number;
  readonly ssl: number;
  readonly wait: number;
  /** '', or what the browser calls the cache that it came from. */
  readonly cache: string;
  readonly serviceWorker: boolean;
  /** As the browser names them: 'script', 'VeryHigh'; '' where it does not. */
  readonly kind: string;
  readonly priority: string;
  /** Who asked for it, the likeliest first, as URLs. */
  readonly initiators: readonly string[];
}

export interface HarLog {
  /** 'WebInspector 537.36'. */
  readonly creator: string;
  /** Ids, in their order. */
  readonly pages: readonly string[];
  readonly entries: readonly HarEntry[];
}

const MOST_PROBLEMS = 10;
/** Of a script's stack, the innermost first. */
const MOST_FRAMES = 100;

/**
 * Reads HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) with what Chromium, Firefox and Safari add to it.
 * @throws HarError
 */
export function parseHar(text: string, limits: HarLimits = defaultHarLimits): HarLog {
  if (text.length > limits.characters) throw new HarError([`it has ${text.length} characters; ${limits.characters} are the most`]);
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (problem) {
    throw new HarError([`it is not JSON: ${(problem as Error).message}`]);
  }
  return readHar(value, limits);
}

/** The same of what JSON.parse gave. @throws HarError */
export function readHar(value: unknown, limits: HarLimits = defaultHarLimits): HarLog {
  const log = isRecord(value) ? value.log : undefined;
  if (!isRecord(log)) throw new HarError([`log ${isRecord(value) ? isNot(log, 'an object') : 'is missing: it is no HAR'}`]);
  const { entries } = log;
  if (!Array.isArray(entries)) throw new HarError([`log.entries ${isNot(entries, 'a list')}`]);
  if (entries.length === 0) throw new HarError(['log.entries is empty: nothing was recorded']);
  if (entries.length > limits.entries) throw new HarError([`log.entries has ${entries.length} entries; ${limits.entries} are the most`]);
  const problems: string[] = [];
  const read: HarEntry[] = [];
  for (const [i, entry] of entries.entries()) {
    const reader = new EntryReader(i + 1, problems);
    const one = reader.entry(entry);
    if (one !== undefined) read.push(one);
    if (problems.length >= MOST_PROBLEMS) break;
  }
  if (problems.length > 0) throw new HarError(problems);
  const creator = record(log.creator);
  return {
    creator: [text(creator.name), text(creator.version)].filter((part) => part !== '').join(' '),
    pages: list(log.pages)
      .map((page) => text(record(page).id))
      .filter((id) => id !== ''),
    entries: read,
  };
}

/** Reads one entry; what is wrong goes to `problems`. */
class EntryReader {
  readonly #number: number;
  readonly #problems: string[];

  constructor(number: number, problems: string[]) {
    this.#number = number;
    this.#problems = problems;
  }

  entry(entry: unknown): HarEntry | undefined {
    if (!isRecord(entry)) return this.#say('', isNot(entry, 'an object'));
    const { request, response } = entry;
    if (!isRecord(request)) return this.#say('request', isNot(request, 'an object'));
    if (!isRecord(response)) return this.#say('response', isNot(response, 'an object'));
    const { method, url } = request;
    if (typeof method !== 'string' || !isToken(method)) return this.#say('request.method', isNot(method, 'a method'));
    if (typeof url !== 'string' || url === '') return this.#say('request.url', isNot(url, 'a URL'));
    const start = typeof entry.startedDateTime === 'string' ? parseInstant(entry.startedDateTime) : Number.NaN;
    if (Number.isNaN(start)) return this.#say('startedDateTime', isNot(entry.startedDateTime, 'an instant like 2024-05-01T12:00:00.000Z'));
    if (typeof response.status !== 'number') return this.#say('response.status', isNot(response.status, 'a number'));
    const content = record(response.content);
    const timings = record(entry.timings);
    return {
      number: this.#number,
      page: text(entry.pageref),
      start,
      time: Math.max(0, number(entry.time)),
      method,
      url,
      requestFields: fields(request.headers),
      requestHeadersSize: number(request.headersSize),
      requestBodySize: number(request.bodySize),
      status: response.status,
      error: text(response._error),
      redirect: text(response.redirectURL),
      responseFields: fields(response.headers),
      responseHeadersSize: number(response.headersSize),
      bodySize: number(response.bodySize),
      transferSize: number(response._transferSize),
      contentSize: number(content.size),
      compression: typeof content.compression === 'number' ? content.compression : Number.NaN,
      mimeType: text(content.mimeType),
      connect: number(timings.connect),
      ssl: number(timings.ssl),
      wait: number(timings.wait),
      cache: cacheOf(entry, response),
      serviceWorker:
        entry._fetchedViaServiceWorker === true || response._fetchedViaServiceWorker === true || entry._fetchType === 'Service Worker',
      kind: text(entry._resourceType).toLowerCase(),
      priority: text(entry._priority),
      initiators: initiatorsOf(record(entry._initiator)),
    };
  }

  #say(key: string, problem: string): undefined {
    this.#problems.push(`entry ${this.#number}${key === '' ? '' : `, ${key}`}: ${problem}`);
  }
}

/** Chromium: _fromCache (once _fromDiskCache); Safari: _fetchType; Firefox: cache.afterRequest; others: response.fromCache. */
function cacheOf(entry: Readonly<Record<string, unknown>>, response: Readonly<Record<string, unknown>>): string {
  for (const said of [entry._fromCache, response._fromCache])
    if (typeof said === 'string' && said !== '') return said;
    else if (said === true) return 'cache';
  if (entry._fromDiskCache === true || response._fromDiskCache === true) return 'disk';
  if (entry.fromCache === true || response.fromCache === true) return 'cache';
  if (entry._fetchType === 'Memory Cache') return 'memory';
  if (entry._fetchType === 'Disk Cache') return 'disk';
  return record(entry.cache).afterRequest !== undefined ? 'cache' : '';
}

/** Chromium's _initiator: the URL where it says one, then the script's stack and that of what had called it later, innermost first. */
function initiatorsOf(initiator: Readonly<Record<string, unknown>>): string[] {
  const urls: string[] = [];
  if (typeof initiator.url === 'string' && initiator.url !== '') urls.push(initiator.url);
  let stack = record(initiator.stack);
  for (let frames = 0; frames < MOST_FRAMES; stack = record(stack.parent)) {
    const called = list(stack.callFrames);
    for (const frame of called.slice(0, MOST_FRAMES - frames)) {
      const url = text(record(frame).url);
      if (url !== '' && !urls.includes(url)) urls.push(url);
    }
    frames += called.length + 1;
    if (stack.parent === undefined) break;
  }
  return urls;
}

const fields = (headers: unknown): HarField[] =>
  list(headers).flatMap((field) => {
    const { name, value } = record(field);
    return typeof name === 'string' && typeof value === 'string' ? [{ name: name.toLowerCase(), value }] : [];
  });

type Unknowns = Readonly<Record<string, unknown>>;
const NOTHING: Unknowns = {};
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown): Unknowns => (isRecord(value) ? value : NOTHING);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
/** -1 where it is none, or none that can be. */
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : -1);

const isNot = (value: unknown, wanted: string): string =>
  value === undefined
    ? `is missing; it must be ${wanted}`
    : `must be ${wanted}, it is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `'${String(value).slice(0, 40)}'`}`;
