import { endToEnd, type Field, type Fields, fieldValue } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { FrontFacts, HttpVersion, MessageVersion, Settings } from './options.ts';
import { viaLine } from './via.ts';

/**
 * With which status a client hears that it has its WebSocket: 101, or 200 where it asked by CONNECT (RFC 8441 §5); 0: this response says nothing of
 * the kind, though the origin makes a tunnel of the connection or speaks of success.
 * @param accept  the answer to our own key, where the client gave none
 */
export function webSocketStatus(asked: 'upgrade' | 'connect', back: HttpVersion, status: number, fields: Fields, accept: string): number {
  if (back !== '1.1') return status;
  const switched = status === 101 && fieldValue(fields, 'upgrade')?.toLowerCase() === 'websocket';
  if (asked === 'upgrade') return switched ? 101 : 0;
  return switched && fieldValue(fields, 'sec-websocket-accept') === accept ? 200 : 0;
}

/** The fields with which the client is answered. An origin's own Alt-Svc ends here: it says where the origin is, which is not where we are. */
export function responseFor(
  now: Micros,
  status: number,
  received: Fields,
  version: MessageVersion,
  facts: FrontFacts,
  settings: Settings,
): Field[] {
  let fields = endToEnd(received).filter(([name]) => !name.startsWith(':') && name !== 'alt-svc');
  if (status < 200 || status === 204) fields = fields.filter(([name]) => name !== 'content-length'); // RFC 9110 §8.6
  fields.unshift([':status', String(status)]);
  if (status === 101) fields.push(['upgrade', fieldValue(received, 'upgrade') ?? 'websocket']);
  if (status >= 200) {
    // RFC 9110 §6.6.1: who has a clock says when a response without a date was there
    if (settings.date !== undefined && fieldValue(received, 'date') === undefined) fields.push(['date', settings.date(now)]);
    if (settings.altSvc !== '' && facts.secure && facts.version !== '3') fields.push(['alt-svc', settings.altSvc]);
  }
  fields.push(viaLine(version, settings.name));
  return fields;
}
