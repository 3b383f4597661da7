import type { Micros } from '@quiclab/sansio';
import { KEYS, type Level, type WriteEvent } from './qlog-values.ts';

/** What becomes of the keys of one connection, seen from one end. RFC 9001 §4.9, §6. */
export class KeyEvents {
  readonly #write: WriteEvent;
  readonly #own: 'client' | 'server';
  readonly #peer: 'client' | 'server';
  /** Updates of the keys that we send with. */
  #writeGeneration = 0;
  /** Of the last update. */
  #trigger = 'local_update';

  constructor(side: 'client' | 'server', write: WriteEvent) {
    this.#own = side;
    this.#peer = side === 'client' ? 'server' : 'client';
    this.#write = write;
  }

  /** Those of both directions, or of one. */
  installed(now: Micros, level: Level, direction: 'both' | 'read' | 'write'): void {
    const key_phase = level === 'application' ? 0 : undefined;
    const sides = direction === 'both' ? (['client', 'server'] as const) : [direction === 'write' ? this.#own : this.#peer];
    for (const side of sides) this.#write(now, 'key_updated', { key_type: `${side}_${KEYS[level]}_secret`, key_phase, trigger: 'tls' });
  }

  discarded(now: Micros, level: Level, phase: number): void {
    if (phase >= 0) this.#discard(now, `${this.#peer}_1rtt_secret`, phase, this.#trigger);
    else if (level === 'early') this.#write(now, 'key_discarded', { key_type: 'client_0rtt_secret', trigger: 'tls' });
    else
      for (const side of ['client', 'server'])
        this.#write(now, 'key_discarded', { key_type: `${side}_${KEYS[level]}_secret`, trigger: 'tls' });
  }

  updated(now: Micros, by: 'local' | 'peer', generation: number): void {
    const answers = by === 'peer' && this.#writeGeneration >= generation; // to an update of ours
    const trigger = by === 'local' || answers ? 'local_update' : 'remote_update';
    const update = (side: string) => this.#write(now, 'key_updated', { key_type: `${side}_1rtt_secret`, key_phase: generation, trigger });
    this.#trigger = trigger;
    if (by === 'peer') update(this.#peer);
    if (answers) return;
    update(this.#own);
    this.#writeGeneration = generation;
    this.#discard(now, `${this.#own}_1rtt_secret`, generation - 1, trigger);
  }

  #discard(now: Micros, key_type: string, key_phase: number, trigger: string): void {
    this.#write(now, 'key_discarded', { key_type, key_phase, trigger });
  }
}
