import type { Micros } from '@quiclab/sansio';
import { definePage, type ObjectDraft, type Page } from '../page.ts';
import { defaultHarLimits, type HarEntry, HarError, type HarLimits, type HarLog, parseHar, readHar } from './har.ts';
import { priorityOf } from './priorities.ts';
import { HarNotes, type HarReport } from './report.ts';
import { contentSize, fieldOctets, fillerFields, medianOf, type SizeSource, sizeWithoutCache } from './sizes.ts';
import { type Parent, type ParentSource, parentsOf } from './tree.ts';
import { encodedPath, hostName, maskedQuery, splitUrl } from './url.ts';

export interface HarOptions {
  /** What the page is called. Default 'har'. */
  readonly name?: string;
  /** The id of one page of the file. Default: the first that has entries. */
  readonly page?: string;
  /** What came from a cache: left out, as it was when the file was recorded, or fetched as by a browser that has nothing. Default 'leave out'. */
  readonly cached?: 'leave out' | 'fetch';
  /** Octets of values in queries stay as many; what they say is kept only if asked for. Default false. */
  readonly keepQueries?: boolean;
  readonly limits?: Partial<HarLimits>;
}

const LONGEST_PATH = 4_000;
const MOST_OCTETS = 1_000_000_000;
/** Above this a wait says something of the recording, and not of the server. */
const MOST_SERVER_TIME = 60_000_000;

/**
 * A page from a HAR file. Neither cookies nor values of fields are taken from it: messages have fields of as many octets as the median one had.
 * `serverTime` is the entry's wait less a round trip to its host, which is taken as the shortest TCP handshake seen (connect less ssl) or the shortest
 * wait, whichever is less; where a host has but one entry and no handshake, nothing is known, and it is 0.
 * @param har  its text, or what JSON.parse gave
 * @throws HarError
 */
export function pageFromHar(har: unknown, options: HarOptions = {}): { readonly page: Page; readonly report: HarReport } {
  const limits = { ...defaultHarLimits, ...options.limits };
  const log = typeof har === 'string' ? parseHar(har, limits) : readHar(har, limits);
  const notes = new HarNotes();
  const all = ofOnePage(log, options.page, notes);
  const cached = options.cached ?? 'leave out';
  const asked = all.filter((entry) => isAskedFor(entry, cached, notes));
  if (asked.length === 0)
    throw new HarError([
      `none of its ${log.entries.length} entries was fetched from a server:`,
      ...notes.all().map(({ text, count }) => `${count} ${text}`),
    ]);

  const parents = parentsOf(all);
  const trips = roundTrips(asked);
  const names = new PathNames(options.keepQueries ?? false, notes);
  const ids = new Map<number, string>();
  const objects: ObjectDraft[] = [];
  const sizes = new Tally<SizeSource>();
  const sources = new Tally<ParentSource>();
  const ranked = new Tally<string>();
  let octets = 0;
  for (const entry of asked) {
    const { authority, scheme, path: said } = splitUrl(entry.url)!;
    const shown = nameOf(entry);
    if (scheme === 'http') notes.add('asked for without TLS; every model has it', shown);
    if (entry.serviceWorker) notes.add('answered by a service worker from the network', shown);
    const host = hostName(authority);
    const path = names.unique(said, shown);
    const id = host + path;
    ids.set(entry.number, id);
    const size = isCached(entry) && cached === 'fetch' ? sizeWithoutCache(entry) : contentSize(entry);
    sizes.add(size.source);
    if (size.source === 'unknown') notes.add('of unknown size, taken as 0', shown);
    if (size.source === '_transferSize') notes.add('of a size that includes the header section', shown);
    if (size.source === 'decoded') notes.add('of decoded size, which may be more than was sent', shown);
    for (const [key, many] of [
      ['response', size.octets],
      ['request', entry.requestBodySize],
    ] as const)
      if (many > MOST_OCTETS) throw new HarError([`entry ${entry.number}, ${key}: ${many} octets of content; ${MOST_OCTETS} are the most`]);
    octets += size.octets;
    const { priority, source } = priorityOf(entry);
    ranked.add(source);
    const parent = nearestAskedFor(entry.number, parents, ids);
    sources.add(parent.source);
    if (parent.source === 'redirect') notes.add('target of a redirect, asked for when that has arrived', shown);
    if (entry.status >= 400) notes.add('answered with an error, which has content as any other answer', shown);
    objects.push({
      id,
      host,
      path,
      method: entry.method,
      size: size.octets,
      upload: Math.max(0, Math.round(entry.requestBodySize)),
      priority,
      serverTime: serverTime(entry, trips.get(authority) ?? 0),
      after: parent.id === '' ? [] : [parent.id],
    });
  }
  const waits = objects.map((object) => object.serverTime ?? 0);
  const taken = [
    `sizes from ${sizes}`,
    `parents from ${sources}`,
    `priorities from ${ranked}`,
    `server times from waits: ${milliseconds(medianOf(waits))} in the median, ${milliseconds(Math.max(...waits))} at most`,
  ];
  const hosts = [...new Set(objects.map(({ host }) => host!))];
  const page = definePage({
    name: options.name ?? 'har',
    objects,
    requestFields: fillerFields(medianOf(asked.map(requestOctets).filter((octets) => octets >= 0))),
    responseFields: fillerFields(medianOf(asked.map(responseOctets).filter((octets) => octets >= 0))),
  });
  return {
    page,
    report: { creator: log.creator, entries: log.entries.length, objects: objects.length, octets, hosts, taken, notes: notes.all() },
  };
}

const requestOctets = ({ method, url, requestFields, requestHeadersSize }: HarEntry): number =>
  fieldOctets(requestFields, requestHeadersSize, method.length + (splitUrl(url)?.path.length ?? 0) + 14);
const responseOctets = ({ responseFields, responseHeadersSize }: HarEntry): number => fieldOctets(responseFields, responseHeadersSize, 19);

const milliseconds = (time: Micros): string => `${Math.round(time / 1_000)} ms`;

/** In the order in which they started. */
function ofOnePage({ pages, entries }: HarLog, wanted: string | undefined, notes: HarNotes): HarEntry[] {
  const there = [...new Set([...pages, ...entries.map(({ page }) => page)])].filter(
    (id) => id !== '' && entries.some(({ page }) => page === id),
  );
  if (wanted !== undefined && !there.includes(wanted))
    throw new HarError([`there is no page '${wanted}' with entries; there is ${there.length === 0 ? 'none' : there.join(', ')}`]);
  const chosen = wanted ?? there[0] ?? '';
  const own = entries.filter((entry) => {
    if (entry.page === '' || entry.page === chosen) return true;
    notes.add('of another page, left out', nameOf(entry));
    return false;
  });
  return own.sort((a, b) => a.start - b.start || a.number - b.number);
}

/** Notes why not. */
function isAskedFor(entry: HarEntry, cached: 'leave out' | 'fetch', notes: HarNotes): boolean {
  const shown = nameOf(entry);
  const url = splitUrl(entry.url);
  const not = (why: string): false => {
    notes.add(why, shown);
    return false;
  };
  if (url === undefined) return not('not a URL, left out');
  if (/^wss?$/.test(url.scheme) || entry.kind === 'websocket' || entry.status === 101) return not('WebSocket, left out');
  if (!/^https?$/.test(url.scheme)) return not(`${url.scheme}: URL, which needs no network, left out`);
  if (url.authority === '') return not('URL without a host, left out');
  if (entry.method === 'CONNECT') return not('tunnel through a proxy, left out');
  if (entry.status <= 0) return not('aborted or blocked, left out');
  if (isCached(entry)) {
    if (cached === 'leave out') return not(`from a cache (${entry.cache}), left out`);
    notes.add('from a cache, fetched here', shown);
    return true;
  }
  if (entry.status === 304)
    notes.add(cached === 'fetch' ? 'only validated, fetched here' : 'only validated (304): an exchange without content', shown);
  if (entry.serviceWorker && entry.transferSize <= 0) return not('answered by a service worker, left out');
  return true;
}

const isCached = ({ cache, status }: HarEntry): boolean => cache !== '' && status !== 304;

/** For people, without what may be secret. */
function nameOf({ url }: HarEntry): string {
  const split = splitUrl(url);
  if (split === undefined) return url.slice(0, 20);
  return split.authority === '' ? `${split.scheme}:…` : split.authority + maskedQuery(split.path);
}

/** An object waits for the nearest entry before it that is on the page. */
function nearestAskedFor(
  number: number,
  parents: ReadonlyMap<number, Parent>,
  ids: ReadonlyMap<number, string>,
): { readonly id: string; readonly source: ParentSource } {
  const { source } = parents.get(number)!;
  for (let at = parents.get(number)!.entry; at !== 0; at = parents.get(at)!.entry) {
    const id = ids.get(at);
    if (id !== undefined) return { id, source };
  }
  return { id: '', source: 'none' };
}

/** By authority, ms. */
function roundTrips(entries: readonly HarEntry[]): Map<string, number> {
  const trips = new Map<string, number>();
  for (const { url, connect, ssl, wait } of entries) {
    const { authority } = splitUrl(url)!;
    const least = (ms: number): void => void trips.set(authority, Math.min(trips.get(authority) ?? Number.POSITIVE_INFINITY, ms));
    if (connect > 0) least(ssl > 0 && ssl < connect ? connect - ssl : connect);
    if (wait >= 0) least(wait);
  }
  return trips;
}

const serverTime = ({ wait }: HarEntry, roundTrip: number): Micros =>
  wait < 0 ? 0 : Math.min(MOST_SERVER_TIME, Math.max(0, Math.round(1_000 * (wait - roundTrip))));

/** Paths that are one object's each: a page's servers know objects by their path. */
class PathNames {
  readonly #taken = new Map<string, number>(); // how many began with it
  readonly #keepQueries: boolean;
  readonly #notes: HarNotes;

  constructor(keepQueries: boolean, notes: HarNotes) {
    this.#keepQueries = keepQueries;
    this.#notes = notes;
  }

  unique(said: string, shown: string): string {
    let path = encodedPath(this.#keepQueries ? said : maskedQuery(said));
    if (path.length > LONGEST_PATH) {
      this.#notes.add(`has a path of more than ${LONGEST_PATH} octets, cut off there`, shown);
      path = path.slice(0, LONGEST_PATH);
    }
    let nth = this.#taken.get(path) ?? 0;
    this.#taken.set(path, nth + 1);
    if (nth === 0) return path;
    this.#notes.add('of a path that another object has, told apart by a number behind it', shown);
    const separator = path.includes('?') ? '&' : '?';
    for (;;) {
      const other = `${path}${separator}${++nth}`;
      this.#taken.set(path, nth);
      if (this.#taken.has(other)) continue;
      this.#taken.set(other, 1);
      return other;
    }
  }
}

/** How many of each kind, the most frequent first. */
class Tally<Kind extends string> {
  readonly #counts = new Map<Kind, number>();

  add(kind: Kind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  toString(): string {
    return [...this.#counts]
      .sort((a, b) => b[1] - a[1])
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
  }
}
