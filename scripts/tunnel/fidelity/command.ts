/** `pnpm tunnel fidelity`: what is measured is kept, run by run, and gone on with the next time. */
import { writeFileSync } from 'node:fs';
import type { Tunnel } from '@quiclab/lab/tunnel';
import { MILLISECOND } from '@quiclab/sansio';
import { LOSSES, MODELS } from './plan.ts';
import { type Part, runReal, wanted } from './real.ts';
import { RECORD, readRecord, TABLE, writeRecord } from './record.ts';
import { simulateAll } from './simulated.ts';
import { fidelityTable } from './table.ts';

export interface FidelityOptions extends Part {
  readonly runs: number;
  readonly simulated: number;
  readonly only?: 'real' | 'simulated' | 'table';
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** @param withTunnel  gives one for as long as it is used; without what a tunnel needs it says so, and there is no real half */
export async function fidelity(
  { runs, simulated, only, model, loss }: FidelityOptions,
  withTunnel: (use: (tunnel: Tunnel) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (only === undefined || only === 'real') {
    const todo = wanted(readRecord().real, runs, { model, loss });
    if (todo.length > 0)
      await withTunnel((tunnel) =>
        runReal(tunnel, todo, (run, left) => {
          if (run === undefined) {
            say(`the relay was too late every time; ${left} left`);
            return;
          }
          const record = readRecord();
          writeRecord({ ...record, real: [...record.real, run] });
          const { model, loss, seed, pageLoad, late, repeated } = run;
          const again = repeated === 0 ? '' : `, after ${repeated} in which it was too late`;
          say(
            `${model}, ${100 * loss}%, seed ${seed}: ${(pageLoad / MILLISECOND).toFixed(0)} ms; relay late by ${(late / MILLISECOND).toFixed(1)} ms (p99)${again}; ${left} left`,
          );
        }),
      );
  }
  if (only === undefined || only === 'simulated') {
    let done = 0;
    const rounds = LOSSES.length * MODELS.length;
    const all = await simulateAll(simulated, () => {
      if (++done % 100 === 0) say(`${done} simulated, of ${rounds} models and rates with up to ${simulated} each`);
    });
    writeRecord({ ...readRecord(), simulated: all });
  }
  const table = fidelityTable(readRecord());
  writeFileSync(TABLE, table);
  process.stdout.write(`${table}\n${RECORD}\n`);
}
