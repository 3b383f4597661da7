/** The table in the README: made from the results that are kept, and from nothing else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './peers.ts';
import { NOT_OURS_YET, RELAY_LATE, type Result, type Role, UNSUPPORTED_BY_CLIENT, UNSUPPORTED_BY_SERVER } from './results.ts';

export const KEPT_RESULTS = join(ROOT, 'test/interop/results.json');
export const README = join(ROOT, 'README.md');

const BEGIN = '<!-- interop -->';
const END = '<!-- /interop -->';

export const keptResults = (): Result[] => {
  try {
    return JSON.parse(readFileSync(KEPT_RESULTS, 'utf8')) as Result[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** Puts the table of these results between the markers. Throws where there are none. */
export function updateReadme(results: readonly Result[], file = README): void {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no '${BEGIN}' before '${END}'`);
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n${readmeTable(results)}\n${text.slice(end)}`);
}

/** Cases × peers; each cell has our client against their server first, then their client against our server. */
export function readmeTable(results: readonly Result[]): string {
  const transfers = results.filter(({ peer }) => peer !== 'chromium' && peer !== 'tshark');
  const peers = [...new Set(transfers.map(({ peer }) => peer))];
  const cases = [...new Set(transfers.map((result) => result.case))];
  const find = (peer: string, name: string, role: string) =>
    results.find((result) => result.peer === peer && result.case === name && result.role === role);
  const rows = cases.map((name) => {
    const cells = peers.map((peer) => `${symbol(find(peer, name, 'client'))} ${symbol(find(peer, name, 'server'))}`);
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const disturbed = transfers.some(({ figure, detail }) => figure !== undefined && detail.includes(RELAY_LATE));
  const section = (heading: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', heading, '', ...lines]);
  return [
    '',
    `| case | ${peers.join(' | ')} |`,
    `| --- |${' --- |'.repeat(peers.length)}`,
    ...rows,
    '',
    'In each cell our client meets their server first, then their client ours: ✓ passed, ✗ failed, – the peer has no means for it, · quiclab has none yet,',
    '? not run; a number is goodput in kbit/s, the median of five runs. Details of each: test/interop/results.json.',
    ...(disturbed ? ['Goodput was measured while the machine had other work, and the relay was late: the details say by how much.'] : []),
    ...section('What failed:', transfers.filter(({ outcome }) => outcome === 'failed').map(sentence)),
    ...section('What peers have no means for, as they say:', lacks(transfers)),
    ...section(
      'Seconds from a client’s first Initial to the end of its handshake, of fifty handshakes each:',
      handshakeRows(transfers, peers),
    ),
    ...section('And beside these:', results.filter(({ peer }) => peer === 'chromium' || peer === 'tshark').map(sentence)),
    '',
  ].join('\n');
}

/** A line for each reason, with the cases in which it was given. */
function lacks(results: readonly Result[]): string[] {
  const cases = new Map<string, string[]>();
  for (const result of results) {
    if (symbol(result) !== '–') continue;
    const reason = result.detail.replace(`${UNSUPPORTED_BY_SERVER}: `, '').replace(`${UNSUPPORTED_BY_CLIENT}: `, '');
    cases.set(reason, [...(cases.get(reason) ?? []), `${result.case} with us as ${result.role}`]);
  }
  return [...cases].map(([reason, names]) => `- ${reason} (${names.join(', ')})`);
}

/** As in the table above: cases × peers, our client first. */
function handshakeRows(results: readonly Result[], peers: readonly string[]): string[] {
  const timed = results.filter(({ handshakes }) => handshakes !== undefined);
  const cell = (peer: string, name: string, of: 'median' | 'p99') =>
    ROLES.map((role) => {
      const times = timed.find((result) => result.peer === peer && result.case === name && result.role === role)?.handshakes;
      return times === undefined ? '?' : times[of].toFixed(2);
    }).join(' ');
  const rows = [...new Set(timed.map((result) => result.case))].flatMap((name) =>
    (['median', 'p99'] as const).map((of) => `| ${name}, ${of} | ${peers.map((peer) => cell(peer, name, of)).join(' | ')} |`),
  );
  return rows.length === 0 ? [] : [`| case | ${peers.join(' | ')} |`, `| --- |${' --- |'.repeat(peers.length)}`, ...rows];
}

const ROLES: readonly Role[] = ['client', 'server'];

function symbol(result: Result | undefined): string {
  switch (result?.outcome) {
    case 'passed':
      return result.figure === undefined ? '✓' : result.figure.toLocaleString('en');
    case 'failed':
      return '✗';
    case 'unsupported':
      return result.detail.startsWith(NOT_OURS_YET) ? '·' : '–';
    default:
      return '?';
  }
}

const sentence = ({ peer, case: name, role, outcome, detail, peersFault }: Result): string =>
  `- ${peer}, ${name}, quiclab as ${role}: ${outcome}${detail === '' ? '' : ` (${detail})`}${peersFault === undefined ? '' : `: ${peersFault}`}`;
