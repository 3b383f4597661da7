import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** QUICLAB_SWEEP=1 runs the long seed sweeps instead of the tests; `.ci/run` does both. */
const sweep = process.env.QUICLAB_SWEEP === '1';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: sweep ? ['test/sweeps/**/*.test.ts'] : ['packages/*/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: sweep ? [] : ['test/sweeps/**', '**/node_modules/**'],
    testTimeout: sweep ? 1_200_000 : 60_000,
    passWithNoTests: false,
  },
});
