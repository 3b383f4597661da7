import { type Clock, MILLISECOND } from '@quiclab/sansio';
import type { Timers } from '../timers.ts';

/** Node's timers. @param wake  called after each action: the driver gives its machine a turn */
export const realTimers = (clock: Clock, wake: () => void): Timers => ({
  at: (when, action) => {
    const timer = setTimeout(
      () => {
        action(clock.now());
        wake();
      },
      Math.max(0, Math.ceil((when - clock.now()) / MILLISECOND)),
    );
    return { cancel: () => clearTimeout(timer) };
  },
});
