import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InfluenceFigure } from '@quiclab/report';
import { optionsSource, type RunOptions } from '../whatif/source.ts';
import { heatMaps } from './heat-map.ts';
import { influenceMatrices } from './matrices.ts';

/** Ten streams, under h2 and under h3. */
export const TEN_STREAMS: RunOptions = {
  page: '10x6KB',
  profile: 'parity',
  loss: '0%',
  upLoss: '0%',
  rtt: '40ms',
  rate: '10Mbit',
  queue: 1_000,
  lookup: '0ms',
};

/** The ideal path of the definitions: nothing limits the rate, window and credit are larger than the page, nothing is paced. */
export const IDEAL: RunOptions = { ...TEN_STREAMS, rate: 'none', controller: 'fixed:16MB:no-pacing' };

/** The pictures of the project's page. */
const PICTURES: readonly { readonly file: string; readonly figure: InfluenceFigure; readonly run: RunOptions }[] = [
  { file: 'influence-wait.svg', figure: 'wait', run: TEN_STREAMS },
  { file: 'influence-completion.svg', figure: 'completion', run: IDEAL },
];

const pathOf = (file: string): string => fileURLToPath(new URL(`../../pictures/${file}`, import.meta.url));

/** By file. */
export function makePictures(): Map<string, string> {
  return new Map(
    PICTURES.map(({ file, figure, run }) => [
      pathOf(file),
      heatMaps(
        (['h2', 'h3'] as const).map((model) => influenceMatrices(optionsSource(run).under(model))),
        figure,
      ),
    ]),
  );
}

/** Returns the files. */
export function writePictures(): string[] {
  const pictures = makePictures();
  for (const [path, text] of pictures) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return [...pictures.keys()];
}

/** Throws an Error that names a picture that is not what is made now. */
export function checkPictures(): void {
  for (const [path, text] of makePictures())
    if (readFileSync(path, 'utf8') !== text) throw new Error(`${path} is another picture than the one that is made now`);
}
