/** The cases of the QUIC interop runner that are run so far. A new one is a row here, and a requirement if it has one of its own. */
import { type LinkConfig, parseDuration, parseRate } from '@quiclab/impair';
import type { Requirement } from './evidence.ts';

export type Alpn = 'hq-interop' | 'h3';

export interface InteropCase {
  readonly name: string;
  readonly alpn: Alpn;
  readonly files: readonly GeneratedFile[];
  /** What the path does in either direction. */
  readonly link: LinkConfig;
  /** What must hold beside every file having arrived as it was. */
  readonly requirements: readonly Requirement[];
  /** Given to the client program beside what every client gets. */
  readonly clientArguments: readonly string[];
  readonly serverArguments: readonly string[];
  /** Seconds for the client, handshake included. */
  readonly timeout: number;
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

/** The runner's default path. */
export const DEFAULT_LINK: LinkConfig = { delay: parseDuration('15ms'), rate: parseRate('10Mbit'), queue: { packets: 25 } };

const usual = {
  link: DEFAULT_LINK,
  requirements: ['one handshake', 'no Retry'],
  clientArguments: [],
  serverArguments: [],
  timeout: 30,
} as const;

export const CASES: readonly InteropCase[] = [
  { ...usual, name: 'handshake', alpn: 'hq-interop', files: files('small', 1 * KiB, 3 * KiB, 10 * KiB) },
  // 64 KiB of credit is less than two round trips at 10 Mbit/s: without a window that grows, this stalls 160 times
  {
    ...usual,
    name: 'transfer',
    alpn: 'hq-interop',
    files: files('large', 2 * MiB, 3 * MiB, 5 * MiB),
    clientArguments: ['--window', `${64 * KiB}`],
    timeout: 90,
  },
  { ...usual, name: 'http3', alpn: 'h3', files: files('parallel', 5 * KiB, 50 * KiB, 500 * KiB) },
];
