import { parseCount, parseDuration, parsePercent, parseRate, parseSize } from '@quiclab/impair';
import { z } from 'zod';

/** Scalars of a plan, as people write them: '20ms', '10Mbit', '1%', '64 packets'. A schema turns each into a number, or says what is wrong with it. */
function quantity<T>(parse: (text: string, what: string) => T, examples: readonly [string, ...string[]]) {
  const error = ({ input }: { readonly input?: unknown }): string =>
    typeof input === 'number' ? `${input} has no unit; write it like ${examples[0]}` : `must be a quantity like ${examples[0]}`;
  return z
    .string({ error })
    .meta({ examples: [...examples] })
    .transform((text, context): T => {
      try {
        return parse(text, '');
      } catch (problem) {
        context.addIssue({ code: 'custom', message: (problem as Error).message.replace(/^: /, '') });
        return z.NEVER;
      }
    });
}

/** µs. */
export const duration = quantity(parseDuration, ['20ms', '500us', '2s']);
/** 0 to 1. */
export const share = quantity(parsePercent, ['1%', '0.1%']);
/** Octets. */
export const size = quantity(parseSize, ['64KB', '1MB']);
/** bit/s; 0: no limit. */
export const rate = quantity((text, what) => (text === 'none' ? 0 : parseRate(text, what)), ['10Mbit', '1Gbit', 'none']);
export const packets = quantity((text) => countOf(text) ?? refuse(text, '64 packets'), ['64 packets']);
/** As a drop-tail queue is limited. */
export const room = quantity(
  (text) => {
    const count = countOf(text);
    return count === undefined ? { bytes: parseSize(text, '') } : { packets: count };
  },
  ['64 packets', '64KB'],
);

function countOf(text: string): number | undefined {
  const match = /^(\d+)\s*packets?$/.exec(text.trim());
  return match === null ? undefined : parseCount(match[1]!);
}

function refuse(text: string, example: string): never {
  throw new Error(`'${text}' is not like ${example}`);
}

/** A whole number, of at least so much. */
export const whole = (least: number, most = 1e9) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

/** A file beside the plan. Nothing outside of the plan's text may name a place on this machine, since results hold it. */
export const file = z
  .string({ error: 'must be the name of a file' })
  .refine((path) => path !== '' && !/^([/\\~]|[A-Za-z]:)/.test(path), {
    error: 'must be a file named from where the plan is, as ./page.json',
  })
  .meta({ examples: ['./page.json'] });
