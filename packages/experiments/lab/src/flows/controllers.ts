import { type CongestionController, cubic, fixedWindow, newReno, type Pacer, tokenPacer, unpaced } from '@quiclab/congestion';
import { parseSize } from '@quiclab/impair';
import type { PathFacts } from '@quiclab/quic';

/** What a flow's sender goes by; `name` is how it was asked for. */
export interface FlowPolicy {
  readonly name: string;
  controller(path: Pick<PathFacts, 'maxDatagramSize'>): CongestionController;
  pacer(path: Pick<PathFacts, 'maxDatagramSize'>): Pacer;
}

/** What can be turned on ('prr') and off ('no-prr') behind a controller's name, and the option that it is. */
const SWITCHES = {
  hystart: 'hyStart',
  prr: 'prr',
  undo: 'undo',
  'idle-restart': 'idleRestart',
  'fast-convergence': 'fastConvergence',
} as const;
type Switch = keyof typeof SWITCHES;

/** Controllers by name, with what can be switched at them; pacing can be at all. */
const CONTROLLERS: Readonly<Record<string, { readonly make: typeof cubic; readonly switches: readonly Switch[] }>> = {
  cubic: { make: cubic, switches: ['hystart', 'prr', 'undo', 'idle-restart', 'fast-convergence'] },
  newReno: { make: newReno, switches: ['hystart', 'prr', 'undo', 'idle-restart'] },
};
const FIXED = 'fixed';

export const CONTROLLER_SYNTAX =
  `${Object.keys(CONTROLLERS).join(', ')} or ${FIXED}:SIZE; behind it switches, as in cubic:no-prr:no-pacing ` +
  `(pacing, ${Object.keys(SWITCHES).join(', ')})`;

/** 'cubic,newReno:hystart': several of them. @throws Error that says what was wrong */
export const parseControllers = (text: string): FlowPolicy[] => text.split(',').map((one) => parseController(one.trim()));

/** 'cubic', 'newReno:hystart', 'fixed:64KB:no-pacing'. @throws Error that says what was wrong */
export function parseController(text: string): FlowPolicy {
  const [name = '', ...parts] = text.split(':');
  const known = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
  if (known === undefined && name !== FIXED) throw new Error(`'${name}' is not a controller; there are ${CONTROLLER_SYNTAX}`);
  const window = known === undefined ? windowOf(parts.shift(), text) : 0;
  const options: Record<string, boolean> = {};
  let paced = true;
  for (const part of parts) {
    const on = !part.startsWith('no-');
    const what = on ? part : part.slice(3);
    if (what === 'pacing') paced = on;
    else if (known?.switches.includes(what as Switch)) options[SWITCHES[what as Switch]] = on;
    else {
      const switches = ['pacing', ...(known?.switches ?? [])].join(', ');
      throw new Error(`'${part}' in '${text}' is not a switch of ${name}; there are ${switches}, each also as no-…`);
    }
  }
  return {
    name: text,
    controller: ({ maxDatagramSize }) => known?.make({ maxDatagramSize, ...options }) ?? fixedWindow(window),
    pacer: ({ maxDatagramSize }) => (paced ? tokenPacer({ maxDatagramSize }) : unpaced),
  };
}

const LEAST_WINDOW = 2_400; // two datagrams, as every controller keeps

function windowOf(size: string | undefined, text: string): number {
  if (size === undefined) throw new Error(`'${text}' has no size; write it like ${FIXED}:64KB`);
  const window = parseSize(size, `'${text}'`);
  if (window < LEAST_WINDOW) throw new Error(`'${text}': a window has ${LEAST_WINDOW} octets at least`);
  return window;
}
