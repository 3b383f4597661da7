import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Section → file → test, from the tags `RFC 9000 §13.2.1` in sources and tests: how people find their way in.
 *   pnpm rfc-map            every RFC
 *   pnpm rfc-map 9002 9000  only these
 */
interface Place {
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

/** Every tag of one file. A tag in a test file belongs to the test whose title came last. */
export function tagsOf(file: string, text: string): Place[] {
  const places: Place[] = [];
  const isTest = file.endsWith('.test.ts');
  let title = '';
  text.split('\n').forEach((content, index) => {
    if (isTest) title = TITLE.exec(content)?.[2] ?? title;
    for (const [, rfc, sections] of content.matchAll(TAG))
      for (const [section] of sections!.matchAll(new RegExp(SECTION, 'g')))
        places.push({
          rfc: Number(rfc),
          section: section.replace('§ ', '§'),
          file,
          line: index + 1,
          test: isTest ? title || '(file)' : '',
        });
  });
  return places;
}

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

/** The tags as Markdown tables, one for each RFC. */
export function render(places: readonly Place[]): string {
  const lines: string[] = [];
  for (const rfc of [...new Set(places.map((place) => place.rfc))].sort((a, b) => a - b)) {
    const own = places.filter((place) => place.rfc === rfc);
    lines.push(`## RFC ${rfc}`, '', '| section | sources | tests |', '| --- | --- | --- |');
    for (const section of [...new Set(own.map((place) => place.section))].sort(compareSections)) {
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
    lines.push('');
  }
  return lines.join('\n');
}

const root = fileURLToPath(new URL('..', import.meta.url));

function typescriptFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : typescriptFiles(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // whoever reads only the first lines (`| head`) closes the pipe: that is no fault
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const wanted = process.argv.slice(2).map(Number);
  const files = [...typescriptFiles('packages'), ...typescriptFiles('test')].sort((a, b) => (a < b ? -1 : 1));
  const places = files.flatMap((file) => tagsOf(file, readFileSync(join(root, file), 'utf8')));
  console.log(render(wanted.length === 0 ? places : places.filter((place) => wanted.includes(place.rfc))));
}
