import { type Fields, trimBlanks } from '@quiclab/http-semantics';
import type { MessageVersion } from './options.ts';

/** What we add: how the message came to us, and who we are. RFC 9110 §7.6.3. */
export const viaLine = (received: MessageVersion, name: string): [string, string] => ['via', `${received} ${name}`];

/** Whether a message was here before. Comments may hold commas: what they cut into pieces is no entry of ours. */
export function passedBy(fields: Fields, name: string): boolean {
  for (const [field, value] of fields) {
    if (field !== 'via') continue;
    for (const entry of value.split(',')) {
      const [, by] = trimBlanks(entry).split(/[ \t]+/);
      if (by?.toLowerCase() === name.toLowerCase()) return true;
    }
  }
  return false;
}
