import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ListedTest } from './coverage.ts';

/**
 * The tests of some files, as the runner itself lists them: titles that are put together in loops are there as they will be printed.
 * Nothing is run but what stands outside of tests. Throws when a file cannot be read by the runner.
 */
export function listTests(root: string, files: readonly string[]): ListedTest[] {
  if (files.length === 0) return [];
  const vitest = join(dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))), 'vitest.mjs');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'QUICLAB_SWEEP'));
  const args = [vitest, 'list', '--json', '--config', join(root, 'test/vitest.config.ts'), ...files];
  const listed = execFileSync(process.execPath, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (JSON.parse(listed) as ListedTest[]).map(({ file, name }) => ({ file: relative(root, file).replaceAll('\\', '/'), name }));
}

/** Whether tests of this file say which requirement they show. */
export const claimsSomething = (path: string): boolean => readFileSync(path, 'utf8').includes('breaks');
