import type { LinkConfig } from '@quiclab/impair';
import { linkOf } from '../plan/links.ts';
import type { PresetName } from './presets.ts';

/** Both directions of a preset. */
export function presetLinks(preset: PresetName): { readonly up: LinkConfig; readonly down: LinkConfig } {
  const nothing = (name: string): never => {
    throw new Error(`preset '${preset}' names a file '${name}'`);
  };
  return { up: linkOf({ preset }, 'up', nothing), down: linkOf({ preset }, 'down', nothing) };
}
