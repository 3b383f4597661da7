import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The texts that name error codes for QUIC, as their files are called in the folder of specifications. */
export const SPEC_FILES: ReadonlyMap<number, string> = new Map([
  [9000, 'rfc9000.md'],
  [9001, 'rfc9001.md'],
  [9221, 'rfc9221-datagram.md'],
  [9287, 'rfc9287-bit-grease.md'],
  [9368, 'rfc9368-version-negotiation.md'],
  [9369, 'rfc9369-quic-v2.md'],
]);

/** A sentence of a specification, on one line. */
export interface Sentence {
  readonly rfc: number;
  /** '7.4.1', or 'A' */
  readonly section: string;
  readonly text: string;
}

const DEMANDS = /\b(?:MUST|REQUIRED|SHALL|SHOULD|RECOMMENDED|MAY)\b/;
const CODES =
  /\b(?:[A-Z]+(?:_[A-Z]+)*_ERROR|PROTOCOL_VIOLATION|CONNECTION_REFUSED|INVALID_TOKEN|CRYPTO_BUFFER_EXCEEDED|AEAD_LIMIT_REACHED|NO_VIABLE_PATH)\b|\b0x01[0-9a-f]{2}\b|version negotiation error/;

/** Whether a sentence says what has to happen, and with which error code. */
export const demandsAnError = ({ text }: Sentence): boolean => DEMANDS.test(text) && CODES.test(text);

/** Every sentence of a specification in the editors' Markdown: headings are counted there, not numbered. */
export function sentencesOf(rfc: number, markdown: string): Sentence[] {
  const sentences: Sentence[] = [];
  const numbers: number[] = [];
  let section = '';
  let inAppendix = false;
  const body = markdown.slice(Math.max(0, markdown.indexOf('\n--- middle'))).replace(/^~~~[\s\S]*?^~~~.*$/gm, ''); // code has comments like headings
  for (const paragraph of body.split(/\n\s*\n|\n(?=[#*-])/)) {
    const trimmed = paragraph.trim();
    if (trimmed.startsWith('--- back')) {
      inAppendix = true;
      numbers.length = 0;
      continue;
    }
    const heading = /^(#+)\s+\S/.exec(trimmed);
    if (heading !== null) {
      numbers.length = Math.min(numbers.length, heading[1]!.length);
      while (numbers.length < heading[1]!.length) numbers.push(0);
      numbers[numbers.length - 1]!++;
      const [first, ...rest] = numbers;
      section = [inAppendix ? String.fromCharCode(64 + first!) : first, ...rest].join('.');
      continue;
    }
    if (trimmed.startsWith('|') || trimmed.startsWith('--- ')) continue; // a table, a mark
    const line = trimmed.replace(/\s+/g, ' ');
    for (const text of line.split(/(?<=[.;:]) (?=[A-Z*{-])/)) if (text !== '') sentences.push({ rfc, section, text });
  }
  return sentences;
}

/** All sentences of all texts in a folder; undefined when one of the texts is not there. */
export function readSpecs(folder: string): Sentence[] | undefined {
  const paths = [...SPEC_FILES].map(([rfc, file]) => [rfc, join(folder, file)] as const);
  if (!paths.every(([, path]) => existsSync(path))) return undefined;
  return paths.flatMap(([rfc, path]) => sentencesOf(rfc, readFileSync(path, 'utf8')));
}
