/** `pnpm rfc-map`: section → file → test, and which error codes that the RFCs name are shown by which tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { claimsOf, coverage, gaps, renderCoverage } from './rfc-map/coverage.ts';
import { claimsSomething, listTests } from './rfc-map/listed-tests.ts';
import { rfcOf } from './rfc-map/requirement.ts';
import { disagreements, REQUIREMENTS } from './rfc-map/requirements.ts';
import { readSpecs } from './rfc-map/specs.ts';
import { type Place, renderTags, tagsOf, untested } from './rfc-map/tags.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function typescriptFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : typescriptFiles(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function rfcNumber(text: string, before: readonly number[] = []): number[] {
  if (!/^(?:rfc)?\d{4}$/i.test(text)) throw new InvalidArgumentError('An RFC is named by its number of four digits, like 9000.');
  return [...before, Number(text.slice(-4))];
}

/** What is printed under the tables of one RFC. */
function missing(rfc: number, sections: readonly Place[], coverageGaps: readonly string[]): string {
  const lines = [`## RFC ${rfc}: what is not covered`, ''];
  if (sections.length > 0) {
    lines.push('Sections that sources name and no test does:', '');
    lines.push(...sections.map(({ section, file, line }) => `- ${section} (${file}:${line})`), '');
  }
  if (coverageGaps.length > 0) lines.push('Error codes:', '', ...coverageGaps.map((gap) => `- ${gap}`));
  else if (REQUIREMENTS.some((requirement) => rfcOf(requirement) === rfc)) lines.push('Error codes: nothing is missing.');
  return `${lines.join('\n')}\n`;
}

function main(rfcs: readonly number[], options: { missing?: true; specs?: string }): void {
  const files = [...typescriptFiles('packages'), ...typescriptFiles('test')].sort((a, b) => (a < b ? -1 : 1));
  const places = files.flatMap((file) => tagsOf(file, readFileSync(join(root, file), 'utf8')));
  const known = [...new Set([...places.map(({ rfc }) => rfc), ...REQUIREMENTS.map(rfcOf)])].sort((a, b) => a - b);
  const strangers = rfcs.filter((rfc) => !known.includes(rfc));
  if (strangers.length > 0) program.error(`error: nothing here names RFC ${strangers.join(', ')}. There are: ${known.join(', ')}`);
  const tests = listTests(
    root,
    files.filter((file) => file.endsWith('.test.ts') && claimsSomething(join(root, file))),
  );
  const claims = claimsOf(tests);
  const result = coverage(REQUIREMENTS, claims);
  const wanted = rfcs.length === 0 ? known : known.filter((rfc) => rfcs.includes(rfc));
  for (const rfc of wanted) {
    if (options.missing === undefined) {
      console.log(renderTags(rfc, places));
      const table = renderCoverage(rfc, result.covered);
      if (table !== '') console.log(table);
    }
    const own = gaps({
      covered: result.covered.filter(({ requirement }) => rfcOf(requirement) === rfc),
      strange: result.strange.filter(({ id }) => id.startsWith(`${rfc}/`)),
    });
    if (own.length > 0) process.exitCode = 1;
    const shown = claims.filter(({ id }) => id.startsWith(`${rfc}/`)).map(({ id }) => `§${id.split('/')[1]}`);
    const sections = untested(rfc, places, shown);
    if (own.length > 0 || sections.length > 0 || REQUIREMENTS.some((one) => rfcOf(one) === rfc)) console.log(missing(rfc, sections, own));
  }
  if (options.specs !== undefined) compareWith(options.specs);
}

function compareWith(folder: string): void {
  const sentences = readSpecs(folder);
  if (sentences === undefined) program.error(`error: ${folder} does not have the texts of the RFCs as Markdown`);
  const different = disagreements(sentences, REQUIREMENTS);
  console.log(`## The list of requirements and the texts\n`);
  console.log(different.length === 0 ? 'agree.' : different.map((one) => `- ${one}`).join('\n'));
  if (different.length > 0) process.exitCode = 1;
}

const program: Command = new Command('rfc-map')
  .description(
    'Which sources and tests belong to which section of an RFC, and which error codes that the RFCs name are shown by which tests.',
  )
  .argument('[rfcs...]', 'only these, by number', rfcNumber)
  .option('-m, --missing', 'only what is not covered')
  .option('--specs <folder>', "compare the list of error codes with the RFCs' texts, too")
  .showHelpAfterError('`pnpm rfc-map --help` says what can be asked for.')
  .action((rfcs: number[] | undefined, options: { missing?: true; specs?: string }) => main(rfcs ?? [], options));

// whoever reads only the first lines (`| head`) closes the pipe: that is no fault
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
program.parse();
