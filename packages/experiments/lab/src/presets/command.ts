import { Command } from 'commander';
import { PRESET_SOURCES, PRESETS, type Preset } from './presets.ts';

/** The presets with what backs each of their figures, as people read it. */
export const presetsText = (): string =>
  Object.entries<Preset>(PRESETS)
    .map(([name, { what, up, down, figures }]) =>
      [
        `${name}: ${what}`,
        `  up ${up.rate}, ${up.delay} one way; down ${down.rate}, ${down.delay}`,
        ...figures.map(({ figure, source, note }) => `  ${figure}: ${note}\n    ${source === '' ? 'assumption' : PRESET_SOURCES[source]}`),
      ].join('\n'),
    )
    .join('\n\n');

export const presetsCommand = (): Command =>
  new Command('presets')
    .description('paths that people know, for `topology: { preset: NAME }` and --preset, with the sources of their figures')
    .action(() => void process.stdout.write(`${presetsText()}\n`));
