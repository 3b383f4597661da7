import { endToEnd, type Field, type Fields, fieldValue, fieldValues, methodProperties } from '@quiclab/http-semantics';
import { type Answer, answer } from './answers.ts';
import { withForwarded } from './forwarded.ts';
import type { FrontFacts, HttpVersion, MessageVersion, Settings } from './options.ts';
import { isDisguise } from './trailers.ts';
import { passedBy, viaLine } from './via.ts';

/** What a request asks, without what was about the hop that it came over. */
export interface RequestHead {
  /** In which it came. */
  readonly version: MessageVersion;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  /** Without pseudo-header fields, `host`, and those that end at the hop. */
  readonly fields: readonly Field[];
  readonly idempotent: boolean;
  /** The client takes trailers. RFC 9110 §10.1.4. */
  readonly trailers: boolean;
  /** How the client asks for a WebSocket: 'upgrade' in the way of HTTP/1.1 (RFC 6455 §4.1), 'connect' in that of HTTP/2 and HTTP/3 (RFC 8441 §5, RFC 9220). */
  readonly webSocket: 'no' | 'upgrade' | 'connect';
}

export function readRequest(received: Fields, version: MessageVersion): RequestHead {
  const pseudo = (name: string): string => fieldValue(received, name) ?? '';
  const method = pseudo(':method');
  return {
    version,
    method,
    scheme: pseudo(':scheme'),
    authority: pseudo(':authority') || pseudo('host'),
    path: pseudo(':path'),
    fields: endToEnd(received).filter(([name]) => !name.startsWith(':') && name !== 'host' && !isDisguise(name)),
    idempotent: methodProperties(method).idempotent,
    trailers: fieldValue(received, 'te') === 'trailers',
    webSocket: webSocketOf(method, pseudo(':protocol'), pseudo('upgrade')),
  };
}

function webSocketOf(method: string, protocol: string, upgrade: string): RequestHead['webSocket'] {
  if (method === 'CONNECT' && protocol === 'websocket') return 'connect';
  return method === 'GET' && upgrade.toLowerCase() === 'websocket' ? 'upgrade' : 'no';
}

/** What is not carried on, and what is said instead; undefined for all other requests. */
export function refusal(head: RequestHead, end: boolean, early: boolean, name: string): Answer | undefined {
  const { method, fields } = head;
  if (method === 'CONNECT' && head.webSocket === 'no')
    return answer(501, 'http_request_denied', 'this is a gateway, not a proxy: it makes no tunnels'); // RFC 9110 §9.3.6
  // RFC 9110 §7.4: of other schemes the origin knows nothing, and HTTP/1.1 could not even say so
  if (!/^https?$/i.test(head.scheme)) return answer(400, 'http_request_error', 'neither http nor https');
  if (passedBy(fields, name)) return answer(508, 'proxy_loop_detected', 'this request was here before'); // RFC 9110 §7.6.3
  // RFC 8470 §3: what came early may be a replay; what is not safe is to be sent again after the handshake
  if (early && !methodProperties(method).safe) return answer(425, 'http_request_denied', 'not before the handshake is complete');
  if (method === 'TRACE' && !end) return answer(400, 'http_request_error', 'TRACE with content'); // RFC 9110 §9.3.8
  return (method === 'TRACE' || method === 'OPTIONS') && hopsLeft(fields) === 0 ? lastHop(head) : undefined;
}

/** The fields with which the origin is asked. */
export function requestFor(
  head: RequestHead,
  back: HttpVersion,
  early: boolean,
  facts: FrontFacts,
  settings: Settings,
  webSocketKey: string,
): Field[] {
  const { path, webSocket } = head;
  const authority = settings.rewriteHost || head.authority === '' ? settings.origin.authority : head.authority;
  let fields = head.fields.map((field) => (field[0] === 'max-forwards' ? oneHopLess(head, field) : field));
  // RFC 9113 §8.2.3, RFC 9114 §4.2.1: HTTP/2 and HTTP/3 may have cut Cookie into pieces, which HTTP/1.1 has as one
  if (back === '1.1') fields = joined(fields, 'cookie');
  fields = withForwarded(fields, head.authority, facts, settings);
  if (early) fields.push(['early-data', '1']); // RFC 8470 §5.1
  if (head.trailers) fields.push(['te', 'trailers']);
  if (webSocket === 'connect') fields = fields.filter(([name]) => !NOT_IN_CONNECT.has(name));
  const upgrades = back === '1.1' && webSocket !== 'no';
  if (upgrades) fields.push(['upgrade', 'websocket']);
  if (upgrades && webSocket === 'connect') fields.push(['sec-websocket-key', webSocketKey]);
  fields.push(viaLine(head.version, settings.name));
  const target: Field[] = [
    [':scheme', settings.origin.scheme],
    [':authority', authority],
    [':path', path],
  ];
  if (webSocket === 'connect' && !upgrades) return [[':method', 'CONNECT'], [':protocol', 'websocket'], ...target, ...fields];
  return [[':method', upgrades ? 'GET' : head.method], ...target, ...fields];
}

/** What a client's CONNECT may not say to an origin over HTTP/1.1: it has no content, and the key is the gateway's. RFC 8441 §5.1. */
const NOT_IN_CONNECT: ReadonlySet<string> = new Set(['content-length', 'expect', 'sec-websocket-key', 'sec-websocket-accept']);

function joined(fields: readonly Field[], name: string): Field[] {
  const values = fieldValues(fields, name);
  if (values.length < 2) return [...fields];
  const at = fields.findIndex((field) => field[0] === name);
  const rest = fields.filter((field) => field[0] !== name);
  return [...rest.slice(0, at), [name, values.join('; ')], ...rest.slice(at)];
}

// --- Max-Forwards, RFC 9110 §7.6.2 ---------------------------------------------------------------------------------------

/** How many more times a request may be forwarded; -1 where it does not say, or not in a way that counts. */
function hopsLeft(fields: Fields): number {
  const values = fieldValues(fields, 'max-forwards');
  return values.length === 1 && /^\d{1,9}$/.test(values[0]!) ? Number(values[0]) : -1;
}

function oneHopLess(head: RequestHead, field: Field): Field {
  const left = head.method === 'TRACE' || head.method === 'OPTIONS' ? hopsLeft(head.fields) : -1;
  return left < 0 ? field : [field[0], String(left - 1)];
}

/** We are the last that this request comes to. RFC 9110 §9.3.7, §9.3.8. */
function lastHop({ method, authority, path, version, fields }: RequestHead): Answer {
  if (method === 'OPTIONS') return answer(204, '', '', [['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE']]);
  const lines = [['host', authority], ...fields.filter(([name]) => !SECRET.has(name))].map(([name, value]) => `${name}: ${value}\r\n`);
  return answer(200, '', `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`, [['content-type', 'message/http']]);
}

/** Not to be said back: a script could read there what it cannot read elsewhere. RFC 9110 §9.3.8. */
const SECRET: ReadonlySet<string> = new Set(['cookie', 'authorization', 'proxy-authorization']);
