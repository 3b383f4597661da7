import { Observer } from '@quiclab/quic';

/** Where the traces of one run go; '' for nowhere. */
export interface TraceFiles {
  readonly qlogDir: string;
  readonly keyLog: string;
  /** Begins the names of files. */
  readonly name: string;
}

export interface Traces {
  readonly observer: Observer;
  close(): void;
}

export function openTraces(_side: 'client' | 'server', _files: TraceFiles): Traces {
  return { observer: new Observer(), close: () => {} };
}
