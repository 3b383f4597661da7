import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TraceFile } from './traced-run.ts';

/** Into a directory, which is made if it is not there. */
export function writeTraces(dir: string, files: readonly TraceFile[]): void {
  mkdirSync(dir, { recursive: true });
  for (const { name, pieces } of files) {
    const file = openSync(join(dir, name), 'w');
    try {
      for (const piece of pieces) writeSync(file, piece as string);
    } finally {
      closeSync(file);
    }
  }
}
