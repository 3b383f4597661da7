import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INFLUENCE_FIGURES, type InfluenceFigure } from '@quiclab/report';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { MODEL_IDS, type ModelName } from '../models/model.ts';
import { Progress } from '../progress.ts';
import { addRunOptions, checkBesidePlan, modelNamed, type RunOptions, runSource } from '../whatif/source.ts';
import { influencePage } from './html.ts';
import { type InfluenceMatrices, influenceMatrices } from './matrices.ts';
import { checkPictures, writePictures } from './pictures.ts';
import { influenceTable } from './table.ts';

/** Each row is a run. */
const USUAL_ROWS = 200;

interface InfluenceOptions extends RunOptions {
  readonly models?: readonly ModelName[];
  readonly figure: InfluenceFigure;
  readonly rows: number;
  readonly out: string;
  readonly json: boolean;
}

/** The `influence` command, with the one that makes the pictures. */
export function influenceCommand(): Command {
  const command = new Command('influence')
    .description('which streams a lost packet keeps waiting: every packet of the way down is dropped in turn, in virtual time')
    .argument('[plan]', 'a plan, or the result.json of one; else the options below describe the run')
    .addOption(
      new Option('--models <list>', `of ${MODEL_IDS.join(', ')} (default: h2,h3, or those of the plan)`).argParser(
        argument((text) => text.split(',').map((name) => modelNamed(name.trim()))),
      ),
    );
  addRunOptions(command, { page: '10x6KB', profile: 'parity' })
    .addOption(new Option('--figure <figure>', 'which matrix the table shows').choices([...INFLUENCE_FIGURES]).default('wait'))
    .option('--rows <n>', 'drop at most so many packets, evenly spread', atLeastOne, USUAL_ROWS)
    .option('--out <dir>', 'where influence.html and influence.json go', 'out')
    .option('--json', 'print JSON instead of the table', false)
    .action(run);
  return command.addCommand(
    new Command('pictures')
      .description("make the pictures of the project's page anew")
      .option('--check', 'compare them with what is there instead', false)
      .action(({ check }: { readonly check: boolean }) => {
        if (check) checkPictures();
        else for (const file of writePictures()) process.stdout.write(`${file}\n`);
      }),
  );
}

/** What the command writes as JSON. */
export interface InfluenceJson {
  readonly schema: 1;
  readonly kind: 'influence';
  readonly run: string;
  readonly matrices: readonly InfluenceMatrices[];
}

async function run(name: string | undefined, options: InfluenceOptions, self: Command): Promise<void> {
  checkBesidePlan(name, self);
  const { rows, figure, out, json } = options;
  const source = await runSource(name, options);
  const models = options.models ?? (name === undefined ? (['h2', 'h3'] as const) : source.models);
  const { up, down } = source.run.links;
  const lossy = [up.loss, down.loss].some((loss) => loss !== undefined && !(Array.isArray(loss) && loss.length === 0));
  const progress = new Progress(models.length);
  const matrices = models.map((model) => {
    progress.begin(model);
    const made = influenceMatrices(source.under(model), { most: rows, progress: (share) => progress.at(share) });
    progress.end(1);
    return made;
  });
  progress.stop();
  const result: InfluenceJson = {
    schema: 1,
    kind: 'influence',
    run: `${source.scene}${lossy ? '; what the links lose by that is left out' : ''}`,
    matrices,
  };
  mkdirSync(out, { recursive: true });
  const page = join(out, 'influence.html');
  writeFileSync(page, influencePage(result));
  const text = `${JSON.stringify(result)}\n`;
  writeFileSync(join(out, 'influence.json'), text);
  if (json) process.stdout.write(text);
  else
    process.stdout.write(
      `Simulated: ${result.run}\n\n${matrices.map((one) => influenceTable(one, figure)).join('\n\n')}\n\nAll three matrices: ${page}\n`,
    );
}
