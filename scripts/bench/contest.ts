/** What one run of a measurement gave, at the client. */
export interface Reading {
  readonly value: number;
  /** CPU time, user and system, of the measured stretch. */
  readonly cpuSeconds: number;
  /** What helps to understand the value: packets, losses. */
  readonly notes?: Readonly<Record<string, number>>;
}

/** A server that waits for its client. */
export interface Served {
  readonly port: number;
  /** DER, in base64: the root that a client trusts. */
  readonly certificate: string;
  notes?(): Readonly<Record<string, number>>;
}

export interface ContestOptions {
  /** Octets of the download. */
  readonly bytes: number;
  /** Octets of a full datagram, where there are datagrams. */
  readonly datagramSize: number;
  /** Whether larger ones are looked for. */
  readonly mtuDiscovery?: boolean;
}

/** Two ends that measure one thing between two processes. A contest without `serve` measures inside one. */
export interface Contest {
  serve?(options: ContestOptions): Promise<Served>;
  run(options: ContestOptions, server: { readonly port: number; readonly certificate: Uint8Array }): Promise<Reading>;
}

export type Group =
  | 'goodputMBps'
  | 'handshakesPerSecond'
  | 'requestsPerSecond'
  | 'idleConnectionKiB'
  | 'simulatedDatagramsPerSecond'
  | 'simulatedSecondsPerCpuSecond'
  | 'sweepRunsPerSecond'
  | 'sweepScaling'
  | 'sweepMiB'
  | 'reportSeconds';

export interface Entry {
  readonly group: Group;
  readonly name: string;
  readonly datagramSize: number;
  readonly mtuDiscovery?: boolean;
  load(): Promise<Contest>;
}

/** Everything that is measured, in the order of a round. Modules are loaded by the processes that need them only. */
export const ENTRIES: readonly Entry[] = [
  { group: 'goodputMBps', name: 'quic-1200', datagramSize: 1200, load: async () => (await import('./quic.ts')).download },
  { group: 'goodputMBps', name: 'quic-1452', datagramSize: 1452, load: async () => (await import('./quic.ts')).download },
  {
    group: 'goodputMBps',
    name: 'quic-mtu',
    datagramSize: 1200,
    mtuDiscovery: true,
    load: async () => (await import('./quic.ts')).download,
  },
  { group: 'goodputMBps', name: 'https', datagramSize: 0, load: async () => (await import('./node-http.ts')).httpsDownload },
  { group: 'goodputMBps', name: 'http2', datagramSize: 0, load: async () => (await import('./node-http.ts')).http2Download },
  { group: 'goodputMBps', name: 'h2', datagramSize: 0, load: async () => (await import('./http2.ts')).h2Download },
  { group: 'goodputMBps', name: 'dgram-1452', datagramSize: 1452, load: async () => (await import('./dgram.ts')).dgramCeiling },
  { group: 'handshakesPerSecond', name: 'quic', datagramSize: 1200, load: async () => (await import('./quic-handshakes.ts')).full },
  {
    group: 'handshakesPerSecond',
    name: 'quic-resumed',
    datagramSize: 1200,
    load: async () => (await import('./quic-handshakes.ts')).resumed,
  },
  {
    group: 'handshakesPerSecond',
    name: 'quic-0rtt',
    datagramSize: 1200,
    load: async () => (await import('./quic-handshakes.ts')).zeroRtt,
  },
  { group: 'handshakesPerSecond', name: 'https', datagramSize: 0, load: async () => (await import('./https-handshakes.ts')).full },
  {
    group: 'handshakesPerSecond',
    name: 'https-resumed',
    datagramSize: 0,
    load: async () => (await import('./https-handshakes.ts')).resumed,
  },
  { group: 'requestsPerSecond', name: 'quic', datagramSize: 1200, load: async () => (await import('./http3.ts')).http3Requests },
  { group: 'requestsPerSecond', name: 'http2', datagramSize: 0, load: async () => (await import('./node-http.ts')).http2Requests },
  { group: 'requestsPerSecond', name: 'h2', datagramSize: 0, load: async () => (await import('./http2.ts')).h2Requests },
  { group: 'idleConnectionKiB', name: 'quic', datagramSize: 1200, load: async () => (await import('./idle.ts')).quicIdle },
  { group: 'idleConnectionKiB', name: 'https', datagramSize: 0, load: async () => (await import('./idle.ts')).httpsIdle },
  {
    group: 'simulatedDatagramsPerSecond',
    name: 'aes-gcm',
    datagramSize: 1200,
    load: async () => (await import('./simulated.ts')).simulated('aes-gcm'),
  },
  {
    group: 'simulatedDatagramsPerSecond',
    name: 'null',
    datagramSize: 1200,
    load: async () => (await import('./simulated.ts')).simulated('null'),
  },
  ...(['h1-parallel', 'h2', 'h3'] as const).map((model) => ({
    group: 'simulatedSecondsPerCpuSecond' as const,
    name: model,
    datagramSize: 1200,
    load: async () => (await import('./median-page.ts')).medianPageRuns(model),
  })),
  ...[1, 2].map((workers) => ({
    group: 'sweepRunsPerSecond' as const,
    name: workers === 1 ? '1-worker' : `${workers}-workers`,
    datagramSize: 0,
    load: async () => (await import('./sweep.ts')).sweepRuns(workers),
  })),
  { group: 'sweepScaling', name: 'of-a-spin', datagramSize: 0, load: async () => (await import('./sweep.ts')).sweepScaling },
  ...[1_000, 10_000].map((runs) => ({
    group: 'sweepMiB' as const,
    name: `${runs}-runs`,
    datagramSize: 0,
    load: async () => (await import('./sweep.ts')).sweepMemory(runs),
  })),
  { group: 'reportSeconds', name: 'chromium', datagramSize: 0, load: async () => (await import('./report.ts')).reportInChromium },
];

export const entryId = (entry: Entry): string => `${entry.group}/${entry.name}`;

/** Handshakes that are under way at once. */
export const HANDSHAKE_CONCURRENCY = 8;
/** Connections that do nothing, and those that came and went before memory is looked at for the first time. */
export const IDLE_CONNECTIONS = 1_000;
export const IDLE_WARM_UP = 200;
/** Requests that are under way at once, and octets of each response. */
export const REQUEST_CONCURRENCY = 100;
export const RESPONSE_BYTES = 1024;
