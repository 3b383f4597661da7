import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SIMULATED_RUNS } from '../../scripts/tunnel/fidelity/plan.ts';
import { readRecord, TABLE } from '../../scripts/tunnel/fidelity/record.ts';
import { pageLoadOf, simulate } from '../../scripts/tunnel/fidelity/simulated.ts';
import { fidelityTable } from '../../scripts/tunnel/fidelity/table.ts';

/** All of them take a quarter of an hour: `pnpm tunnel fidelity --only simulated` makes them. */
const EVERY = 10;

const record = readRecord();

describe('the simulated half', () => {
  test.each(record.simulated.map((one) => [one.loss, one.model, one] as const))(
    'at a loss of %d, %s: every tenth run is as it is stored, to the microsecond',
    (loss, model, { pageLoads }) => {
      if (loss > 0) expect(pageLoads.length).toBeGreaterThanOrEqual(SIMULATED_RUNS);
      for (let seed = 1; seed <= pageLoads.length; seed += EVERY)
        expect(`${seed}: ${pageLoadOf(simulate(model, loss, seed))}`).toBe(`${seed}: ${pageLoads[seed - 1]}`);
    },
  );
});

test('the table is that of the record', () => {
  expect(fidelityTable(record)).toBe(readFileSync(TABLE, 'utf8'));
});
