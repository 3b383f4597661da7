import { type Requirement, rfcOf, type Side, sectionOf } from './requirement.ts';

/** A test as the runner lists it: file, and the titles from the outermost `describe` in. */
export interface ListedTest {
  readonly file: string;
  readonly name: string;
}

/** What the title of a test says that it shows: that this victim answers this breach with this code. */
export interface Claim {
  readonly id: string;
  readonly side: Side;
  readonly code: string;
  readonly file: string;
  /** The title without what is for machines. */
  readonly title: string;
}

/** `{9000/4.1/stream-limit, client: FLOW_CONTROL_ERROR}`; packages/transport/quic/test/breaks.ts writes them. */
const CLAIM = /\s*\{(\d{4}\/[\w.]+\/[\w-]+), (client|server): (\w+)\}/g;

export function claimsOf(tests: readonly ListedTest[]): Claim[] {
  return tests.flatMap(({ file, name }) => {
    const title = name.replace(CLAIM, '');
    return [...name.matchAll(CLAIM)].map(([, id, side, code]) => ({ id: id!, side: side as Side, code: code!, file, title }));
  });
}

export interface Coverage {
  readonly requirement: Requirement;
  readonly tests: Readonly<Record<Side, readonly Claim[]>>;
  /** Victims for whom no test shows it. */
  readonly missing: readonly Side[];
}

/** Each requirement with the tests that show it, and claims that fit none: of an unknown name, or with a code that is not asked for. */
export function coverage(requirements: readonly Requirement[], claims: readonly Claim[]): { covered: Coverage[]; strange: Claim[] } {
  const fits = (claim: Claim, { id, codes }: Requirement): boolean => claim.id === id && codes.includes(claim.code);
  const covered = requirements.map((requirement): Coverage => {
    const of = (side: Side): Claim[] => claims.filter((claim) => claim.side === side && fits(claim, requirement));
    const tests = { client: of('client'), server: of('server') };
    return { requirement, tests, missing: requirement.at.filter((side) => tests[side].length === 0) };
  });
  const strange = claims.filter(
    (claim) => !requirements.some((requirement) => requirement.at.includes(claim.side) && fits(claim, requirement)),
  );
  return { covered, strange };
}

function cell({ requirement, tests }: Coverage, side: Side): string {
  const own = tests[side];
  if (own.length > 0) {
    const files = [...new Set(own.map(({ file }) => file))].map((file) => file.split('/').at(-1)!);
    return `${files.join(', ')}: ${own[0]!.title.split(' > ').at(-1)}${own.length > 1 ? ` (and ${own.length - 1} more)` : ''}`;
  }
  return requirement.at.includes(side) ? '**not covered**' : '–';
}

/** The requirements of one RFC as a Markdown table: section, code, breach, test at a client, test at a server. */
export function renderCoverage(rfc: number, covered: readonly Coverage[]): string {
  const own = covered.filter(({ requirement }) => rfcOf(requirement) === rfc);
  if (own.length === 0) return '';
  const lines = [
    `## RFC ${rfc}: what a peer may do wrong, and the error code that the RFC names for it`,
    '',
    '| section | | code | breach | at a client | at a server |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const one of own) {
    const { requirement } = one;
    const { level, codes, breach, why } = requirement;
    const cells = [`§${sectionOf(requirement)}`, level, codes.join(' or '), why === '' ? breach : `${breach} (${why})`];
    lines.push(`| ${[...cells, cell(one, 'client'), cell(one, 'server')].map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** One line for each requirement and victim without a test, and for each claim that fits no requirement. */
export function gaps({ covered, strange }: ReturnType<typeof coverage>): string[] {
  return [
    ...covered.flatMap(({ requirement: { id, codes, breach }, missing }) =>
      missing.map((side) => `${id} at a ${side}: no test shows ${codes.join(' or ')} for ${breach}`),
    ),
    ...strange.map(
      ({ id, side, code, file, title }) => `${file}: '${title}' claims ${id} at a ${side} with ${code}, which no RFC asks for`,
    ),
  ];
}
