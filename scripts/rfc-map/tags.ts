/** A tag `RFC 9000 §13.2.1` in a source or a test. */
export interface Place {
  readonly rfc: number;
  readonly section: string;
  readonly file: string;
  readonly line: number;
  /** The title of the test that the tag stands in; '' in a source. */
  readonly test: string;
}

// 'RFC 9000 §7.4, §18.2 and §19', 'RFC 9001 Appendix A.1', 'RFC 9000 Table 3', 'RFC 9000 Figure 2'
const SECTION = String.raw`(?:§\s?[0-9A-Z]+(?:\.[0-9]+)*|Appendix [A-Z](?:\.[0-9]+)*|Table [0-9]+|Figure [0-9]+)`;
const TAG = new RegExp(String.raw`RFC (\d{4})[,:]?\s+(${SECTION}(?:(?:,| and| or|, and)\s+${SECTION})*)`, 'g');
const TITLE = /\b(?:test|it|describe)(?:\.\w+)*\s*(?:\([^'"`]*\)\s*)?\(\s*(['"`])(.*?)\1/;

// 'how datagrams are acknowledged (§5.2)', below a describe that names the RFC
const SHORT = new RegExp(String.raw`\((${SECTION})`);
const NAME = /\bname: ['"`]/;
const QUOTED = /(['"`])((?:(?!\1).)*RFC \d{4}(?:(?!\1).)*)\1/;

/**
 * Every tag of one file. A tag in a test file belongs to the text that it stands in, a title or a name in a table, or to the test whose
 * title came last; a section alone is of the RFC that the `describe` around it names. A table of cases may be a file of its own
 * beside the tests: there the tags in names are of tests.
 */
export function tagsOf(file: string, text: string): Place[] {
  const places: Place[] = [];
  const isTest = file.endsWith('.test.ts');
  const isTable = !isTest && file.includes('/test/');
  let title = '';
  let described = 0;
  text.split('\n').forEach((content, index) => {
    if (isTest) title = readable(TITLE.exec(content)?.[2]) ?? title;
    const quoted = readable(QUOTED.exec(content)?.[2]);
    const add = (rfc: number, section: string): void => {
      const test = isTest ? (quoted ?? title) || '(file)' : isTable && NAME.test(content) ? (quoted ?? '') : '';
      places.push({ rfc, section: section.replace('§ ', '§'), file, line: index + 1, test });
    };
    for (const [, rfc, sections] of content.matchAll(TAG))
      for (const [section] of sections!.matchAll(new RegExp(SECTION, 'g'))) add(Number(rfc), section);
    if (!isTest || !TITLE.test(content)) return;
    if (/\bdescribe\b/.test(content)) described = Number(/RFC (\d{4})/.exec(content)?.[1] ?? 0);
    const short = SHORT.exec(content)?.[1];
    if (described > 0 && short !== undefined && !/RFC \d{4}/.test(content)) add(described, short);
  });
  return places;
}

/** Without what is for machines: see packages/transport/quic/test/breaks.ts. */
const readable = (title: string | undefined): string | undefined => title?.replace(/\$\{breaks\(.*$/, '');

/** §9 before §10, sections before appendices, tables and figures. */
export function compareSections(a: string, b: string): number {
  const rank = (section: string): number => (section.startsWith('§') ? 0 : section.startsWith('Appendix') ? 1 : 2);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const left = a.replace(/^\D*\s|^§/, '').split('.');
  const right = b.replace(/^\D*\s|^§/, '').split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const l = left[i] ?? '';
    const r = right[i] ?? '';
    if (l === r) continue;
    const difference = Number(l) - Number(r);
    return Number.isNaN(difference) || l === '' || r === '' ? (l < r ? -1 : 1) : difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

const sectionsOf = (places: readonly Place[]): string[] => [...new Set(places.map(({ section }) => section))].sort(compareSections);

/** The tags of one RFC as a Markdown table: section, sources, tests. */
export function renderTags(rfc: number, places: readonly Place[]): string {
  const own = places.filter((place) => place.rfc === rfc);
  const lines = [`## RFC ${rfc}`, '', '| section | sources | tests |', '| --- | --- | --- |'];
  for (const section of sectionsOf(own)) {
    const here = own.filter((place) => place.section === section);
    const files = (test: boolean): string[] => [
      ...new Set(here.filter((place) => (place.test !== '') === test).map((place) => place.file)),
    ];
    const sources = files(false).map((file) => `${file}:${here.find((place) => place.file === file)!.line}`);
    const tests = files(true).map((file) => {
      const titles = new Set(here.filter((place) => place.file === file).map((place) => place.test));
      return `${file}: ${[...titles].join('; ')}`;
    });
    lines.push(`| ${section} | ${sources.join('<br>')} | ${tests.join('<br>').replaceAll('|', '\\|')} |`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Sections of an RFC that sources name and no test does, nor any section below them, with the first place of each.
 * @param shown  sections that tests name in another way
 */
export function untested(rfc: number, places: readonly Place[], shown: readonly string[]): Place[] {
  const own = places.filter((place) => place.rfc === rfc);
  const tested = [...shown, ...own.filter(({ test }) => test !== '').map(({ section }) => section)];
  return sectionsOf(own.filter(({ test }) => test === ''))
    .filter((section) => !tested.some((one) => one === section || one.startsWith(`${section}.`)))
    .map((section) => own.find((place) => place.section === section)!);
}
