import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Observer, type Policies } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { type Dialect, KeyLogObserver, QlogObserver, TeeObserver } from '@quiclab/trace';

/** Where the traces of one run go. */
export interface TraceFiles {
  readonly qlogDir: string;
  /** Added to: the secrets of several connections, and of both ends, go into one file. */
  readonly keyLog: string;
  /** Begins the names of qlog files; '' for no traces at all. */
  readonly name: string;
  readonly dialect: Dialect;
}

export interface Traces {
  readonly observer: Policies['observer'];
  /** Writes out what is left. */
  close(): void;
}

/**
 * qlog, one file for each connection, and a key log, as files.
 * @param reference  the instant that qlog counts from: 0 in virtual time
 */
export function openTraces(side: 'client' | 'server', { qlogDir, keyLog, name, dialect }: TraceFiles, reference: Micros): Traces {
  if (name === '') return { observer: () => new Observer(), close: () => {} };
  const secrets = new TextFile(keyLog, 'a');
  const qlogs: TextFile[] = [];
  return {
    observer: ({ originalId }) => {
      const nth = qlogs.length === 0 ? '' : `-${qlogs.length + 1}`;
      const qlog = new TextFile(join(qlogDir, `${name}-${side}${nth}.sqlog`), 'w');
      qlogs.push(qlog);
      const observers: Observer[] = [
        new QlogObserver({ side, originalId, reference, dialect, title: name, write: (record) => qlog.write(record) }),
      ];
      // one end is enough for whoever decrypts, and keeps every secret from being there twice
      if (side === 'client') observers.push(new KeyLogObserver((line) => secrets.write(line)));
      return new TeeObserver(observers);
    },
    close: () => {
      for (const file of [secrets, ...qlogs]) file.close();
    },
  };
}

const BUFFERED = 1 << 18;

/** A text file written in large pieces: a write for each event would be most of a run's work. */
export class TextFile {
  readonly #descriptor: number;
  #pending = '';

  constructor(path: string, flags: 'a' | 'w') {
    this.#descriptor = openSync(path, flags);
  }

  write(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= BUFFERED) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#descriptor);
  }

  #flush(): void {
    writeSync(this.#descriptor, this.#pending);
    this.#pending = '';
  }
}
