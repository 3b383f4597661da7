import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LOSS_CELLS, LOSS_TABLE, lossRow, readRow, runLossCell, SEEDS } from '../../packages/experiments/lab/src/flows/loss-table.ts';

/** A row that is another one now was made by another transport: look at what has changed, then `pnpm lab:cc table`. */
test.each(LOSS_CELLS)('10 MB, $name is as stored', (cell) => {
  const runs = Array.from({ length: SEEDS }, (_, i) => runLossCell(cell, 1 + i));
  expect(lossRow(cell, runs)).toBe(readRow(readFileSync(LOSS_TABLE, 'utf8'), cell).row);
});
