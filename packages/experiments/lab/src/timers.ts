import type { Micros } from '@quiclab/sansio';

/** Something that is to happen, and may be called off. */
export interface Timer {
  cancel(): void;
}

/** What is done later, in whichever world: after the action, machines that it has called get their turn. */
export interface Timers {
  at(when: Micros, action: (now: Micros) => void): Timer;
}
