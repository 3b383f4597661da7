import { endToEnd, type Field, type Fields, fieldValue } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import type { FrontFacts, MessageVersion, Settings } from './options.ts';
import { viaLine } from './via.ts';

/** The fields with which the client is answered. An origin's own Alt-Svc ends here: it says where the origin is, which is not where we are. */
export function responseFor(
  now: Micros,
  status: number,
  received: Fields,
  version: MessageVersion,
  facts: FrontFacts,
  settings: Settings,
): Field[] {
  const fields = endToEnd(received).filter(([name]) => !name.startsWith(':') && name !== 'alt-svc');
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
