import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** One HTML page that needs nothing else: its style, echarts, its data and its script are in it. */
export interface PageContent {
  readonly title: string;
  /** Where the figures come from. */
  readonly world: string;
  readonly sentence: string;
  readonly facts: string;
  /** Between header and data: HTML, already escaped. */
  readonly main: string;
  /** Given to the script as JSON. */
  readonly data: unknown;
  /** Files in page/, which draw, in their order. */
  readonly scripts: readonly string[];
}

export function htmlPage({ title, world, sentence, facts, main, data, scripts }: PageContent): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>quiclab: ${text(title)}</title>
<style>
${asset('page.css')}</style>
</head>
<body>
<header>
<p class="world">${text(world)}</p>
<h1>${text(title)}</h1>
<p class="sentence">${text(sentence)}</p>
<p class="quiet">${text(facts)}</p>
</header>
<main>
${main}
</main>
<div id="tip" hidden></div>
<script type="application/json" id="result">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script>
${echarts()}
</script>
<script>
${['terms.js', ...scripts].map(asset).join('')}</script>
</body>
</html>
`;
}

/** The files beside this one; also from the built package, which carries its sources. */
const asset = (name: string): string => readFileSync(new URL(`../src/page/${name}`, import.meta.url), 'utf8');
const echarts = (): string => readFileSync(createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js'), 'utf8');

export const text = (value: string): string => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

export const row = (name: string, cells: readonly string[]): string =>
  `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
export const table = (name: string, head: readonly string[], rows: readonly string[]): string =>
  `<table class="${name}"><thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;

/** Terms with their definitions, by the key that `term` takes. */
export type Terms = Readonly<Record<string, { readonly name: string; readonly definition: string }>>;

/** A term, underlined, that shows its definition. */
export const term = (terms: Terms, key: string): string =>
  `<span class="term" tabindex="0" aria-describedby="term-${key}">${text(terms[key]!.name)}</span>`;

export const definitions = (terms: Terms): string => `<dl>
${Object.entries(terms)
  .map(([key, { name, definition }]) => `<dt>${text(name)}</dt><dd id="term-${key}">${text(definition)}</dd>`)
  .join('\n')}
</dl>`;

export const swatch = (shape: string): string => `<svg viewBox="0 0 28 14" aria-hidden="true">${shape}</svg>`;
