import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Progress } from '../progress.ts';
import { LOSS_CELLS, LOSS_TABLE, type LossFigures, lossRow, lossTable, runLossCell, SEEDS } from './loss-table.ts';

/** `cc table`: makes the stored table of completions under loss anew. */
export const lossTableCommand = (): Command =>
  new Command('table')
    .description(
      `10 MB by each controller over ${LOSS_CELLS.length} combinations of path, loss and controller, ${SEEDS} seeds each: tables/loss.txt, which takes a quarter of an hour`,
    )
    .option('--check', 'compare with what is stored instead of storing it', false)
    .action(({ check }: { readonly check: boolean }) => {
      const file = fileURLToPath(LOSS_TABLE);
      const progress = new Progress(LOSS_CELLS.length * SEEDS);
      const rows = new Map<string, string>();
      for (const cell of LOSS_CELLS) {
        progress.begin(cell.name.trim());
        const runs: LossFigures[] = [];
        for (let seed = 1; seed <= SEEDS; seed++) {
          runs.push(runLossCell(cell, seed));
          progress.at(runs.length);
        }
        progress.end(SEEDS);
        rows.set(cell.name, lossRow(cell, runs));
      }
      progress.stop();
      const table = lossTable(({ name }) => rows.get(name)!);
      if (!check) {
        mkdirSync(new URL('.', LOSS_TABLE), { recursive: true });
        writeFileSync(file, table);
      } else if (!existsSync(file) || readFileSync(file, 'utf8') !== table)
        throw new Error(`${file} is not what the transport does now; 'pnpm lab:cc table' makes it anew`);
      process.stdout.write(check ? `${file} is what the transport does now.\n` : table);
    });
