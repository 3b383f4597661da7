import { contentLength, type Field, type Fields, fieldValue, malformedRequest, NO_LENGTH, UsageError } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { ClientExchange } from './client-exchange.ts';
import { chunk, chunkHeaderLength, lastChunk, requestHead } from './encoding.ts';
import type { FramingKind } from './framing.ts';
import { LIMITS } from './limits.ts';
import type { Http1Observer } from './observer.ts';
import type { OutgoingOctets } from './outgoing-octets.ts';

/** Methods that give content a meaning, so that its absence is said. RFC 9110 §8.6. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
const CHUNK = LIMITS.chunk.value;

/** Throws UsageError for what is no request of HTTP/1.1. Returns its Content-Length. */
export function checkRequest(fields: Fields, method: string, upgrades: boolean, end: boolean): number {
  const reason = malformedRequest(fields.filter(([name]) => name !== 'upgrade'));
  if (reason !== '') throw new UsageError(`this request is malformed: ${reason}`);
  const announced = contentLength(fields);
  if (announced > 0 && (upgrades || method === 'CONNECT')) throw new UsageError('content before a tunnel');
  if (announced > 0 && end) throw new UsageError(`no content, content-length is ${announced}`);
  const path = fieldValue(fields, ':path');
  if (path !== undefined && path !== '*' && !path.startsWith('/')) throw new UsageError(':path is none'); // RFC 9112 §3.2.1
  return announced;
}

/** Lays a client's requests down as octets: head, content and end. RFC 9112 §3, §6, §7.1. */
export class RequestWriter {
  readonly #out: OutgoingOctets;
  readonly #persistent: boolean;
  readonly #absoluteForm: boolean;
  readonly #observer: Http1Observer | undefined;

  constructor(out: OutgoingOctets, persistent: boolean, absoluteForm: boolean, observer: Http1Observer | undefined) {
    this.#out = out;
    this.#persistent = persistent;
    this.#absoluteForm = absoluteForm;
    this.#observer = observer;
  }

  /** RFC 9112 §3. @param announced  its Content-Length, or NO_LENGTH */
  layHead(now: Micros, exchange: ClientExchange, fields: Fields, announced: number, end: boolean): void {
    const { method, out, upgrades } = exchange;
    const options: string[] = [];
    if (upgrades) options.push('upgrade');
    if (fieldValue(fields, 'te') !== undefined) options.push('te'); // RFC 9110 §10.1.4
    if (!this.#persistent) options.push('close');
    const more: Field[] = options.length > 0 ? [['connection', options.join(', ')]] : [];
    let framing: FramingKind = 'none';
    const whole = end || upgrades || method === 'CONNECT';
    if (announced > 0) framing = 'length';
    else if (!whole && announced === NO_LENGTH) {
      framing = 'chunked';
      more.push(['transfer-encoding', 'chunked']);
    } else if (end && announced === NO_LENGTH && WITH_CONTENT.has(method)) more.push(['content-length', '0']);
    const authority = fieldValue(fields, ':authority') ?? fieldValue(fields, 'host') ?? '';
    const rest = fields.filter(([name]) => name !== 'host');
    const octets = requestHead(method, this.#target(fields, method, authority), [['host', authority], ...rest, ...more]); // Host first: RFC 9110 §7.2
    this.#observer?.frameMapped('sent', exchange.id, 0, this.#out.offset, octets.length, 0, 'headers');
    this.#out.write(now, octets);
    out.begin(framing, announced);
    exchange.sent = whole || announced === 0;
    out.finished = method === 'CONNECT' ? end : exchange.sent && !upgrades;
  }

  /** RFC 9112 §3.2. */
  #target(fields: Fields, method: string, authority: string): string {
    if (method === 'CONNECT') return authority;
    const path = fieldValue(fields, ':path')!;
    if (!this.#absoluteForm) return path;
    return `${fieldValue(fields, ':scheme')}://${authority}${path === '*' ? '' : path}`; // §3.2.4
  }

  /** @returns how many octets were taken */
  layContent(now: Micros, exchange: ClientExchange, data: Uint8Array): number {
    const out = this.#out;
    const message = exchange.out;
    message.mayWrite(data.length);
    let taken = 0;
    if (message.framing === 'chunked')
      for (; taken < data.length && !out.blocked; taken = Math.min(data.length, taken + CHUNK)) {
        const octets = chunk(data.subarray(taken, taken + CHUNK));
        const header = chunkHeaderLength(Math.min(CHUNK, data.length - taken));
        this.#observer?.frameMapped('sent', exchange.id, 0, out.offset, octets.length, header, 'data');
        out.write(now, octets);
      }
    else {
      const from = out.offset;
      taken = out.offer(now, data);
      if (taken > 0) this.#observer?.frameMapped('sent', exchange.id, 0, from, taken, 0, 'data');
    }
    message.wrote(taken);
    return taken;
  }

  layEnd(now: Micros, exchange: ClientExchange, trailers: Fields): void {
    const out = this.#out;
    exchange.sent = true;
    if (exchange.out.framing === 'chunked') {
      const octets = lastChunk(trailers);
      this.#observer?.frameMapped('sent', exchange.id, 0, out.offset, octets.length, 0, trailers.length > 0 ? 'trailers' : 'end');
      out.write(now, octets);
    } else if (exchange.out.framing === 'tunnel') out.finish(now);
  }
}
