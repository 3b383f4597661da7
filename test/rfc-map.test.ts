import { expect, test } from 'vitest';
import { compareSections, render, tagsOf } from '../scripts/rfc-map.ts';

const NUMBER = '9000'; // put together here, so that these lines are not tags themselves

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
  const text = `test('it holds (RFC ${NUMBER} §3)', () => {\n  // RFC ${NUMBER} §4.1\n});\ntest.each(rows)('another', () => {\n  // RFC ${NUMBER} §5\n});\n`;
  expect(tagsOf('a/test/x.test.ts', text).map(({ section, test }) => [section, test])).toEqual([
    ['§3', `it holds (RFC ${NUMBER} §3)`],
    ['§4.1', `it holds (RFC ${NUMBER} §3)`],
    ['§5', 'another'],
  ]);
});

test('sections stand in the order of the RFC', () => {
  const sections = ['Table 3', 'Appendix A.10', '§10', '§9.2', '§9', '§9.10', 'Appendix A.2'];
  expect(sections.sort(compareSections)).toEqual(['§9', '§9.2', '§9.10', '§10', 'Appendix A.2', 'Appendix A.10', 'Table 3']);
});

test('the table has a row for each section, with sources and tests beside each other', () => {
  const places = [
    ...tagsOf('a/src/x.ts', `\n// RFC ${NUMBER} §4`),
    ...tagsOf('a/test/x.test.ts', `test('t', () => {}); // RFC ${NUMBER} §4`),
  ];
  expect(render(places)).toContain('| §4 | a/src/x.ts:2 | a/test/x.test.ts: t |');
});
