import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { urlPath } from '@quiclab/workload';

/** A real file under a directory that is served. */
export interface ServedFile {
  /** Relative to the directory, with '/' between its parts. */
  readonly path: string;
  readonly size: number;
}

const LEFT_OUT = new Set(['node_modules', 'dist']);

/** All files below a directory, hidden and installed ones left out, in the order of their octets. Throws an Error that names the directory. */
export function listFiles(dir: string): ServedFile[] {
  const files: ServedFile[] = [];
  const walk = (at: string): void => {
    for (const entry of readdirSync(join(dir, at), { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.name.startsWith('.') || LEFT_OUT.has(entry.name)) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && !entry.name.endsWith('.tsbuildinfo'))
        files.push({ path: path.split(sep).join('/'), size: statSync(join(dir, path)).size });
    }
  };
  let isDirectory = false;
  try {
    isDirectory = statSync(dir).isDirectory();
  } catch {
    throw new Error(`--dir: there is no '${dir}'`);
  }
  if (!isDirectory) throw new Error(`--dir: '${dir}' is not a directory`);
  walk('');
  return files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** The n largest, largest first; of equals the one whose path comes first. */
export function largestFiles(files: readonly ServedFile[], n: number): ServedFile[] {
  return [...files]
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1))
    .slice(0, n);
}

/** Serves exactly these files, each by its URL's path: nothing else of the directory can be asked for. */
export function fileSource(dir: string, files: readonly ServedFile[]): (path: string) => Uint8Array | undefined {
  const byUrl = new Map(files.map(({ path }) => [urlPath(path), join(dir, path)]));
  return (path) => {
    const file = byUrl.get(path);
    return file === undefined ? undefined : new Uint8Array(readFileSync(file));
  };
}

/** What a file's content must hash to. */
export const hashFile = (dir: string, { path }: ServedFile): string =>
  createHash('sha256')
    .update(readFileSync(join(dir, path)))
    .digest('hex');
