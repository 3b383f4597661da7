import { EXTENSIONS } from './extensions.ts';
import type { Requirement } from './requirement.ts';
import { rfcOf, sectionOf } from './requirement.ts';
import { RFC_9000 } from './rfc9000.ts';
import { RFC_9001 } from './rfc9001.ts';
import { demandsAnError, type Sentence } from './specs.ts';

/** Every sentence of the RFCs on QUIC that demands, recommends or allows an error code, as what a peer must do for it to be sent. */
export const REQUIREMENTS: readonly Requirement[] = [...RFC_9000, ...RFC_9001, ...EXTENSIONS];

/** What the texts demand and the list does not have, and what the list has and the texts do not say (any more). */
export function disagreements(sentences: readonly Sentence[], requirements: readonly Requirement[]): string[] {
  const found = (requirement: Requirement): Sentence[] =>
    sentences.filter(
      ({ rfc, section, text }) => rfc === rfcOf(requirement) && section === sectionOf(requirement) && text.includes(requirement.words),
    );
  const accounted = new Set(requirements.flatMap(found));
  return [
    ...sentences
      .filter((sentence) => demandsAnError(sentence) && !accounted.has(sentence))
      .map(({ rfc, section, text }) => `RFC ${rfc} §${section} is not in the list: ${text}`),
    ...requirements.flatMap((requirement) => {
      const { id, words, level, codes } = requirement;
      const where = found(requirement);
      if (where.length !== 1) return [`${id}: '${words}' is said ${where.length} times in that section`];
      const text = where[0]!.text;
      if (!demandsAnError(where[0]!)) return []; // one step of several: what is invalid, and elsewhere what follows
      const wrong: string[] = [];
      if (!text.includes(level) && !(level === 'SHOULD' && text.includes('RECOMMENDED'))) wrong.push(`${id}: the sentence has no ${level}`);
      if (!codes.some((code) => text.includes(code === 'VERSION_NEGOTIATION_ERROR' ? 'version negotiation error' : code)))
        wrong.push(`${id}: the sentence does not name ${codes.join(' or ')}`);
      return wrong;
    }),
  ];
}
