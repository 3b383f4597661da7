import { DEFAULT_PRIORITY, type Priority, parsePriority } from '@quiclab/http-semantics';
import type { HarEntry } from './har.ts';
import { fieldOf } from './sizes.ts';

/** Chromium's five as urgencies: its net priorities from HIGHEST to IDLE (net/quic/quic_http_utils.cc). Safari's three in between. */
const URGENCIES: Readonly<Record<string, number>> = {
  VeryHigh: 0,
  High: 1,
  Medium: 2,
  Low: 3,
  VeryLow: 4,
  high: 1,
  medium: 2,
  low: 3,
};

/** Of no use before they are whole: in Chromium all but these are incremental. */
const WHOLE = ['stylesheet', 'script', 'font', 'manifest'];

export interface RankedBy {
  readonly priority: Priority;
  readonly source: 'priority field' | '_priority' | 'kind' | 'default';
}

/**
 * How urgent a request was (RFC 9218 §4): what its field says, if the browser sent one; else what Chromium calls its priority, incremental by kind;
 * else what Chromium would have said of its kind.
 */
export function priorityOf(entry: HarEntry): RankedBy {
  const field = fieldOf(entry.requestFields, 'priority');
  const said = field === undefined ? undefined : parsePriority(field);
  if (said !== undefined) return { priority: said, source: 'priority field' };
  const kind = entry.kind !== '' ? entry.kind : kindOf(entry.mimeType);
  const incremental = !WHOLE.includes(kind);
  if (Object.hasOwn(URGENCIES, entry.priority))
    return { priority: { urgency: URGENCIES[entry.priority]!, incremental }, source: '_priority' };
  const urgency = USUAL[kind];
  return urgency === undefined ? { priority: DEFAULT_PRIORITY, source: 'default' } : { priority: { urgency, incremental }, source: 'kind' };
}

const USUAL: Readonly<Record<string, number>> = {
  document: 0,
  stylesheet: 0,
  font: 0,
  script: 1,
  fetch: 1,
  xhr: 1,
  manifest: 2,
  image: 3,
  media: 3,
  ping: 4,
};

function kindOf(mimeType: string): string {
  const type = mimeType.split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'text/html') return 'document';
  if (type === 'text/css') return 'stylesheet';
  if (/javascript|ecmascript/.test(type)) return 'script';
  if (type.startsWith('font/') || /font/.test(type)) return 'font';
  if (type.startsWith('image/')) return 'image';
  if (/^(audio|video)\//.test(type)) return 'media';
  return /json/.test(type) ? 'fetch' : '';
}
