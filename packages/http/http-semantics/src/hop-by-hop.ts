import type { Field, Fields } from './fields.ts';
import { trimBlanks } from './syntax.ts';

/** Fields that are about the connection and end at the hop, whether Connection names them or not. RFC 9110 §7.6.1. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
]);

export const isConnectionSpecific = (name: string): boolean => CONNECTION_SPECIFIC.has(name);

/** What a gateway may carry on: without the connection-specific fields and those that Connection names. RFC 9110 §7.6.1. */
export function endToEnd(fields: Fields): Field[] {
  const named = new Set<string>();
  for (const [name, value] of fields) {
    if (name === 'connection') for (const option of value.split(',')) named.add(trimBlanks(option).toLowerCase());
  }
  return fields.filter(([name]) => !CONNECTION_SPECIFIC.has(name) && !named.has(name));
}
