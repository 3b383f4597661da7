import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * QUICLAB_SWEEP=1 runs the long seed sweeps instead of the tests; `.ci/run` does both. QUICLAB_SWEEP=tables runs the experiments whose
 * results are stored as tables, half an hour of them: `pnpm tables` compares, `pnpm tables -u` stores what comes out now.
 */
const folder = { '1': 'sweeps', tables: 'tables' }[process.env.QUICLAB_SWEEP ?? ''];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: folder === undefined ? ['packages/*/*/test/**/*.test.ts', 'test/**/*.test.ts'] : [`test/${folder}/**/*.test.ts`],
    exclude: folder === undefined ? ['test/sweeps/**', 'test/tables/**', '**/node_modules/**'] : [],
    // neither has sockets, or a clock that a busy machine would disturb
    ...(folder !== undefined && { maxWorkers: '100%' }),
    testTimeout: folder === undefined ? 60_000 : 3_600_000,
    passWithNoTests: false,
  },
});
