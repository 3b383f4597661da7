/** The cases of the QUIC interop runner. A new one is a row here, and a requirement if it has one of its own. */
import type { Feature } from './features.ts';
import {
  BLACK_HOLE,
  corrupting,
  DEFAULT_PATH,
  IPV6,
  LONG_RTT,
  losingUp,
  lossy,
  type PathPlan,
  PREFERRED_ADDRESS,
  rebinding,
} from './links.ts';
import {
  atMostStreams,
  handshakes,
  helloRepeated,
  keysUpdated,
  movedToPreferredAddress,
  newAddressesValidated,
  noRetry,
  onlyChaCha20,
  type Requirement,
  resumed,
  retried,
  sentEarly,
  upgradedToVersion2,
  versionNegotiated,
  withinAmplificationLimit,
} from './requirements.ts';

export type Alpn = 'hq-interop' | 'h3';

export interface InteropCase {
  readonly name: string;
  readonly alpn: Alpn;
  readonly files: readonly GeneratedFile[];
  /** A new plan for each run: some remember. */
  readonly path: () => PathPlan;
  /** What must hold beside every file having arrived as it was. */
  readonly requirements: readonly Requirement[];
  /** What our stack must be able to do for it. */
  readonly needs: readonly Feature[];
  /** Given to the client program beside what every client gets. */
  readonly clientArguments: readonly string[];
  readonly serverArguments: readonly string[];
  /** Seconds for the client, handshake included. */
  readonly timeout: number;
  /** The server's certificates: one of ours, or a chain that takes more than 7,500 octets. */
  readonly chain: 'short' | 'long';
  /** Whether the client may end without the files, because it speaks no version of the server's. */
  readonly mayEndWithout: boolean;
  /** The median of so many runs is the figure; 0: there is none. */
  readonly goodputRuns: number;
  /** One flow of the kernel's TCP has the path already: through a tunnel, where none of the requirements can be looked at. */
  readonly besideTcp: boolean;
}

export interface GeneratedFile {
  readonly name: string;
  readonly octets: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** 'small' gives small-1, small-2, … */
const files = (name: string, ...sizes: number[]): GeneratedFile[] =>
  sizes.map((octets, index) => ({ name: `${name}-${index + 1}`, octets }));
const alike = (name: string, count: number, octets: number): GeneratedFile[] => files(name, ...Array<number>(count).fill(octets));
const oneFile = (octets: number): GeneratedFile[] => files('file', octets);

const CONNECTIONS = 50;
/** Requests so long that they fit into no budget by chance. */
const LONG_NAME = 'n'.repeat(245);

const usual = {
  alpn: 'hq-interop',
  files: files('small', 1 * KiB, 3 * KiB, 10 * KiB),
  path: () => DEFAULT_PATH,
  requirements: [handshakes(1), noRetry],
  needs: [],
  clientArguments: [],
  serverArguments: [],
  timeout: 60,
  chain: 'short',
  mayEndWithout: false,
  goodputRuns: 0,
  besideTcp: false,
} as const;

const manyHandshakes = {
  ...usual,
  files: alike('small', CONNECTIONS, 1 * KiB),
  requirements: [handshakes(CONNECTIONS)],
  clientArguments: ['--separately'],
  timeout: 300,
} as const;

export const CASES: readonly InteropCase[] = [
  { ...usual, name: 'handshake' },
  // 64 KiB of credit is less than two round trips at 10 Mbit/s: without a window that grows, this stalls 160 times
  { ...usual, name: 'transfer', files: files('large', 2 * MiB, 3 * MiB, 5 * MiB), clientArguments: ['--window', `${64 * KiB}`] },
  { ...usual, name: 'longrtt', path: () => LONG_RTT, requirements: [handshakes(1), helloRepeated] },
  {
    ...usual,
    name: 'chacha20',
    requirements: [handshakes(1), onlyChaCha20],
    clientArguments: ['--chacha20'],
    serverArguments: ['--chacha20'],
  },
  { ...usual, name: 'multiplexing', files: alike('f', 1_999, 32), requirements: [handshakes(1), atMostStreams(1_000)] },
  { ...usual, name: 'retry', requirements: [handshakes(1), retried], needs: ['retry'], serverArguments: ['--retry'] },
  { ...usual, name: 'resumption', requirements: [handshakes(2), resumed], needs: ['resumption'], clientArguments: ['--resume'] },
  {
    ...usual,
    name: 'zerortt',
    files: alike(LONG_NAME, 40, 32),
    requirements: [handshakes(2), sentEarly],
    needs: ['resumption', 'early data'],
    clientArguments: ['--early'],
  },
  { ...usual, name: 'http3', alpn: 'h3', files: files('parallel', 5 * KiB, 50 * KiB, 500 * KiB) },
  { ...usual, name: 'blackhole', files: oneFile(10 * MiB), path: BLACK_HOLE, requirements: [handshakes(1)] },
  {
    ...usual,
    name: 'keyupdate',
    files: oneFile(3 * MiB),
    requirements: [handshakes(1), keysUpdated],
    needs: ['key update'],
    clientArguments: ['--key-update'],
  },
  { ...usual, name: 'ecn', needs: ['ECN marks on sockets'] },
  {
    ...usual,
    name: 'amplificationlimit',
    files: oneFile(5 * KiB),
    path: () => losingUp(2, 3, 4, 5, 6, 7),
    requirements: [withinAmplificationLimit],
    chain: 'long',
  },
  { ...manyHandshakes, name: 'handshakeloss', path: () => lossy(0.3) },
  { ...usual, name: 'transferloss', files: oneFile(2 * MiB), path: () => lossy(0.02), requirements: [handshakes(1)] },
  { ...manyHandshakes, name: 'handshakecorruption', path: () => corrupting(0.3) },
  {
    ...usual,
    name: 'transfercorruption',
    files: oneFile(2 * MiB),
    path: () => corrupting(0.02),
    requirements: [handshakes(1)],
    timeout: 300,
  },
  { ...usual, name: 'ipv6', path: () => IPV6 },
  {
    ...usual,
    name: 'v2',
    requirements: [handshakes(1), upgradedToVersion2],
    needs: ['version 2'],
    clientArguments: ['--v2'],
    serverArguments: ['--v2'],
  },
  {
    ...usual,
    name: 'rebind-port',
    files: oneFile(10 * MiB),
    path: () => rebinding('port'),
    requirements: [handshakes(1), newAddressesValidated],
    needs: ['rebound clients'],
  },
  {
    ...usual,
    name: 'rebind-addr',
    files: oneFile(10 * MiB),
    path: () => rebinding('address'),
    requirements: [handshakes(1), newAddressesValidated],
    needs: ['rebound clients'],
  },
  {
    ...usual,
    name: 'connectionmigration',
    files: oneFile(2 * MiB),
    path: () => PREFERRED_ADDRESS,
    requirements: [handshakes(1), movedToPreferredAddress],
    needs: ['preferred address'],
    clientArguments: ['--migrate'],
  },
  {
    ...usual,
    name: 'versionnegotiation',
    requirements: [versionNegotiated],
    needs: ['beginning with a reserved version'],
    clientArguments: ['--version', '0x1a2a3a4a'],
    mayEndWithout: true,
  },
  { ...usual, name: 'goodput', files: oneFile(10 * MiB), requirements: [handshakes(1)], goodputRuns: 5 },
  { ...usual, name: 'crosstraffic', files: oneFile(25 * MiB), timeout: 300, goodputRuns: 5, besideTcp: true },
];
