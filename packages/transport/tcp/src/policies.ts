import { cubic, newReno, unpaced } from '@quiclab/congestion';
import type { Random } from '@quiclab/sansio';
import { lossBasedOptions, type Policies } from './config.ts';
import { Observer } from './observer.ts';

/** CUBIC (RFC 9438) with HyStart++ (RFC 9406), and no pacer, as Linux has it; spread it and replace what an experiment is about. */
export function standardTcpPolicies(given: { readonly random: Random; readonly controller?: 'cubic' | 'newReno' }): Policies {
  const { random, controller = 'cubic' } = given;
  return {
    random,
    congestion: (path) => (controller === 'cubic' ? cubic(lossBasedOptions(path)) : newReno(lossBasedOptions(path))),
    pacer: () => unpaced,
    observer: () => SILENT,
  };
}

const SILENT = new Observer();
