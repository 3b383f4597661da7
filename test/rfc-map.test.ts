import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Claim, claimsOf, coverage, gaps, renderCoverage } from '../scripts/rfc-map/coverage.ts';
import { claimsSomething, listTests } from '../scripts/rfc-map/listed-tests.ts';
import { both } from '../scripts/rfc-map/requirement.ts';
import { disagreements, REQUIREMENTS } from '../scripts/rfc-map/requirements.ts';
import { demandsAnError, readSpecs, SPEC_FILES, sentencesOf } from '../scripts/rfc-map/specs.ts';
import { compareSections, renderTags, tagsOf, untested } from '../scripts/rfc-map/tags.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const NUMBER = '9000'; // put together here, so that these lines are not tags themselves

describe('tags', () => {
  test('a tag names its RFC once for several sections', () => {
    const found = tagsOf(
      'a/src/x.ts',
      `// RFC ${NUMBER} §7.4, §18.2 and §19\n// see RFC ${NUMBER} Appendix A.1, and RFC ${NUMBER} Table 3\n`,
    );
    expect(found.map(({ section, line }) => [section, line])).toEqual([
      ['§7.4', 1],
      ['§18.2', 1],
      ['§19', 1],
      ['Appendix A.1', 2],
      ['Table 3', 2],
    ]);
  });

  test('a tag in a test belongs to the test around it', () => {
    const text = `test('it holds (RFC ${NUMBER} §3)', () => {\n  // RFC ${NUMBER} §4.1\n});\ntest.each(rows)('another', () => {\n  // RFC ${NUMBER} §5\n});\nconst row = { name: 'of a table (RFC ${NUMBER} §6)' };`;
    expect(tagsOf('a/test/x.test.ts', text).map(({ section, test }) => [section, test])).toEqual([
      ['§3', `it holds (RFC ${NUMBER} §3)`],
      ['§4.1', `it holds (RFC ${NUMBER} §3)`],
      ['§5', 'another'],
      ['§6', `of a table (RFC ${NUMBER} §6)`],
    ]);
  });

  test('a table of cases beside the tests has tags in its names', () => {
    const text = `  { name: 'a case (RFC ${NUMBER} §3)', octets: 'x' },\n  // RFC ${NUMBER} §4: a word about it\n`;
    expect(tagsOf('a/test/cases.ts', text).map(({ section, test }) => [section, test])).toEqual([
      ['§3', `a case (RFC ${NUMBER} §3)`],
      ['§4', ''],
    ]);
    expect(tagsOf('a/src/cases.ts', text).map(({ test }) => test)).toEqual(['', '']);
  });

  test('a section alone, in a title, is of the RFC that the describe around it names', () => {
    const text = `describe('datagrams (RFC ${NUMBER})', () => {\n  test('how (§5.2)', () => {});\n});\ndescribe('else', () => {\n  test('not (§6)', () => {});\n});\n`;
    expect(tagsOf('a/test/x.test.ts', text)).toMatchObject([{ rfc: Number(NUMBER), section: '§5.2', line: 2, test: 'how (§5.2)' }]);
  });

  test('sections stand in the order of the RFC', () => {
    const sections = ['Table 3', 'Appendix A.10', '§10', '§9.2', '§9', '§9.10', 'Appendix A.2'];
    expect(sections.sort(compareSections)).toEqual(['§9', '§9.2', '§9.10', '§10', 'Appendix A.2', 'Appendix A.10', 'Table 3']);
  });

  test('the table has a row for each section, with sources and tests beside each other; what has no test is told', () => {
    const places = [
      ...tagsOf('a/src/x.ts', `\n// RFC ${NUMBER} §4\n// RFC ${NUMBER} §5\n// RFC ${NUMBER} §6\n// RFC ${NUMBER} §7`),
      ...tagsOf('a/test/x.test.ts', `test('t', () => {}); // RFC ${NUMBER} §4`),
    ];
    expect(renderTags(Number(NUMBER), places)).toContain('| §4 | a/src/x.ts:2 | a/test/x.test.ts: t |');
    expect(untested(Number(NUMBER), places, ['§6.1', '§71'])).toMatchObject([
      { section: '§5', line: 3 },
      { section: '§7', line: 5 },
    ]);
  });
});

describe('error codes that the RFCs name', () => {
  const files = (readdirSync(`${root}/packages`, { recursive: true }) as string[])
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => `packages/${file.replaceAll('\\', '/')}`)
    .filter((file) => claimsSomething(root + file));
  const claims = claimsOf(listTests(root, files));

  test('each is asserted where a peer breaks the rule, at client and server, and no test claims what no RFC asks for', () => {
    expect(gaps(coverage(REQUIREMENTS, claims))).toEqual([]);
    expect(new Set(REQUIREMENTS.map(({ id }) => id)).size).toBe(REQUIREMENTS.length);
    for (const { at, why } of REQUIREMENTS) expect(at.length === 2).toBe(why === '');
  });

  test('one that no test shows is reported, at the end that lacks it', () => {
    const invented = both('9000/99.9/invented', 'MUST', 'NO_VIABLE_PATH', '', 'what nobody does');
    const claim: Claim = { id: invented.id, side: 'client', code: 'NO_VIABLE_PATH', file: 'x.test.ts', title: 't' };
    expect(gaps(coverage([invented], []))).toHaveLength(2);
    const half = coverage([invented], [claim]);
    expect(gaps(half)).toEqual(['9000/99.9/invented at a server: no test shows NO_VIABLE_PATH for what nobody does']);
    expect(renderCoverage(9000, half.covered)).toContain('| x.test.ts: t | **not covered** |');
    expect(gaps(coverage([invented], [claim, { ...claim, side: 'server', code: 'INTERNAL_ERROR' }]))).toHaveLength(2); // and the claim is strange
    expect(gaps(coverage([invented], [claim, { ...claim, side: 'server' }]))).toEqual([]);
  });

  test('… and so is a test that goes away', () => {
    const lost = claims.filter(({ id, side }) => id !== '9000/4.1/stream-limit' || side !== 'server');
    expect(lost.length).toBeLessThan(claims.length);
    expect(gaps(coverage(REQUIREMENTS, lost))).toEqual([expect.stringMatching(/^9000\/4\.1\/stream-limit at a server: no test/)]);
  });

  test('titles say what they claim, once for each requirement', () => {
    const name = 'a > b {9000/4.1/x, client: SOME_ERROR} {9000/19.9/y-z, client: 0x0178}';
    expect(claimsOf([{ file: 'f', name }])).toEqual([
      { id: '9000/4.1/x', side: 'client', code: 'SOME_ERROR', file: 'f', title: 'a > b' },
      { id: '9000/19.9/y-z', side: 'client', code: '0x0178', file: 'f', title: 'a > b' },
    ]);
  });

  const sentences = readSpecs(`${root}/../shared/specs`);
  test.skipIf(sentences === undefined)(
    `the list has every sentence of the RFCs that names one, and no other (skipped where ../shared/specs does not have ${[...SPEC_FILES.values()].join(', ')})`,
    () => {
      expect(sentences!.filter(demandsAnError).length).toBeGreaterThan(90);
      expect(disagreements(sentences!, REQUIREMENTS)).toEqual([]);
    },
  );

  test('a sentence that is not in the list is told, and so is an entry that no sentence bears out', () => {
    const text =
      '--- middle\n\n# One\n\n## Two\n\nFirst. An endpoint MUST answer with\nFINAL_SIZE_ERROR; see x.\n\n~~~\n# code\n~~~\n\n# Three\n\nIt is well.\n';
    const read = sentencesOf(9000, `\n${text}`);
    expect(read.map(({ section, text }) => [section, text])).toEqual([
      ['1.1', 'First.'],
      ['1.1', 'An endpoint MUST answer with FINAL_SIZE_ERROR; see x.'],
      ['2', 'It is well.'],
    ]);
    const listed = both('9000/1.1/x', 'MUST', 'FINAL_SIZE_ERROR', 'MUST answer with', '');
    expect(disagreements(read, [listed])).toEqual([]);
    expect(disagreements(read, [])).toEqual([expect.stringContaining('RFC 9000 §1.1 is not in the list')]);
    expect(disagreements(read, [listed, both('9000/2/y', 'MUST', 'FINAL_SIZE_ERROR', 'MUST answer with', '')])).toHaveLength(1);
    expect(disagreements(read, [both('9000/1.1/x', 'SHOULD', 'STREAM_LIMIT_ERROR', 'MUST answer with', '')])).toHaveLength(2);
  });
});
