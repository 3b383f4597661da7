import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@quiclab/sansio';
import type { GeneratedFile } from './cases.ts';

export interface FileHash {
  readonly name: string;
  readonly octets: number;
  readonly sha256: string;
}

/** Writes files of random octets; a file's content depends on the seed and its name only. */
export function generateFiles(directory: string, files: readonly GeneratedFile[], random: Random): FileHash[] {
  return files.map(({ name, octets }) => {
    const content = new Uint8Array(octets);
    random.fork(`file/${name}`).fill(content);
    writeFileSync(join(directory, name), content);
    return { name, octets, sha256: sha256(content) };
  });
}

/** Why what is in the directory is not what was sent, or undefined when it is. */
export function differenceFrom(expected: readonly FileHash[], directory: string): string | undefined {
  for (const { name, octets, sha256: hash } of expected) {
    let content: Uint8Array;
    try {
      content = readFileSync(join(directory, name));
    } catch {
      return `${name} did not arrive`;
    }
    if (content.length !== octets) return `${name} has ${content.length} octets instead of ${octets}`;
    if (sha256(content) !== hash) return `${name} arrived altered`;
  }
  return undefined;
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
