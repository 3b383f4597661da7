import { FIGURES } from './compare.ts';
import { grouped, milliseconds, realisedLoss } from './format.ts';
import { definitions, htmlPage, row, swatch, table, term as termOf, text } from './page.ts';
import type { FigureName, ResultJson, RunResult, StreamResult } from './schema.ts';
import { capitalised, FIGURE_TEXTS, heading, intervalText } from './table.ts';

/**
 * The result as one HTML page that needs nothing else: a waterfall for each model, side by side, and the figures below.
 * Light or dark as the reader has it, down to the width of a phone, printable, usable by keyboard.
 */
export function htmlReport(result: ResultJson): string {
  const models = [...new Set(result.runs.map((run) => run.model))];
  const seeds = [...new Set(result.runs.map((run) => run.seed))];
  const title = models.length > 1 ? `${models.join(' and ')}, the same draws` : `${models[0] ?? 'nothing'} alone`;
  return htmlPage({
    title,
    world: result.world === 'simulated' ? 'Simulated, not measured' : 'Measured on real sockets, through a relay',
    sentence: capitalised(result.comparison?.sentence ?? 'one model alone: there is nothing to compare.'),
    facts: `${heading(result)}. quiclab ${result.version}.`,
    main: `<h2>What each stream went through</h2>
${seeds.length > 1 ? seedChoice(seeds) : ''}
${LEGEND}
<div class="waterfalls">
${models.map((model) => waterfall(model, result.runs)).join('\n')}
</div>
<h2 id="summary">Figures${seeds.length > 1 ? `, medians of ${seeds.length} seeds` : ''}</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="summary">${summary(result, models)}</div>
<h2 id="streams">Streams, times in ms</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="streams">${streamTable(result.runs, models, seeds)}</div>
<h2>What the figures mean</h2>
${definitions(TERMS)}`,
    data: result,
    scripts: ['chart.js', 'waterfall-chart.js', 'waterfall.js'],
  });
}

/** Every term of the page with its definition (EXPERIMENTS §4), in the order of the list at its end. */
const STREAM_TERMS = {
  firstByte: { name: 'first byte', definition: 'Request issued until the first byte of the response’s header could be read.' },
  completion: { name: 'completion', definition: 'Request issued until the last byte of the response could be read.' },
  lost: {
    name: 'lost',
    definition: 'Datagrams that a link dropped and that carried bytes of the stream; a datagram of several streams counts for each.',
  },
  own: {
    name: 'own',
    definition:
      'Blocked by its own loss: time in which bytes of the stream had arrived but could not be handed on, because the first byte it waited for was itself lost. A stream of its own does not help against that.',
  },
  other: {
    name: 'other',
    definition:
      'Blocked by others: time in which bytes of the stream had arrived but could not be handed on, because an earlier byte of another stream or of the connection was missing. Each microsecond is charged once, to the lowest missing byte.',
  },
} as const;
const TERMS = { ...STREAM_TERMS, ...FIGURE_TEXTS };

const term = (key: keyof typeof TERMS): string => termOf(TERMS, key);

const LEGEND = `<ul class="legend">
<li>${swatch('<rect y="6" width="10" height="2" fill="var(--transfer)"/><rect x="10" width="18" height="14" rx="2" fill="var(--transfer)"/>')}request, first byte, completion</li>
<li>${swatch('<rect width="28" height="14" rx="2" fill="var(--transfer)"/><rect x="4" y="2.5" width="20" height="9" fill="var(--own)"/>')}blocked by its own loss</li>
<li>${swatch('<rect width="28" height="14" fill="var(--other)"/>')}blocked by another stream’s loss</li>
<li>${swatch('<rect x=".5" y=".5" width="27" height="13" fill="var(--connection)" stroke="var(--ink)" stroke-dasharray="2 2"/>')}blocked by the connection’s</li>
<li>${swatch('<path d="M10 3l8 8m0-8l-8 8" stroke="var(--ink)" stroke-width="1.6"/>')}packet lost</li>
</ul>`;

const seedChoice = (seeds: readonly number[]): string =>
  `<p class="choice"><label>Seed <select id="seed">${seeds.map((seed) => `<option>${seed}</option>`).join('')}</select></label></p>`;

function waterfall(model: string, runs: readonly RunResult[]): string {
  const own = runs.filter((run) => run.model === model);
  const facts = own.map((run, i) => {
    const late =
      run.lateness === undefined ? '' : `; relay late by ${milliseconds(run.lateness.p50)} (p50), ${milliseconds(run.lateness.p99)} (p99)`;
    return `<p class="quiet" data-seed="${run.seed}"${i > 0 ? ' hidden' : ''}>Page load ${milliseconds(run.pageLoad)}; ${text(realisedLoss(run))}${late}.</p>`;
  });
  return `<figure>
<figcaption><h3>${text(model)}</h3>${facts.join('')}</figcaption>
<div class="chart" tabindex="0" role="group" aria-label="Waterfall of ${text(model)}: arrow keys go through the streams, the table below has the same figures"></div>
<p class="spoken" aria-live="polite"></p>
</figure>`;
}

function summary({ runs, comparison }: ResultJson, models: readonly string[]): string {
  const names = Object.keys(FIGURE_TEXTS) as FigureName[];
  if (comparison === null) {
    const rows = names.map((name) => {
      const values = runs.map(FIGURES[name]).sort((a, b) => a - b);
      return row(term(name), [FIGURE_TEXTS[name].text(values[Math.floor(values.length / 2)] ?? 0)]);
    });
    return table('', ['figure', ...models.map(text)], rows);
  }
  const several = comparison.pairs > 1;
  const rows = names.map((name) => {
    const figure = comparison.figures[name];
    const as = FIGURE_TEXTS[name].text;
    return row(term(name), [as(figure.first), as(figure.second), as(figure.difference), ...(several ? [intervalText(figure, as)] : [])]);
  });
  return table('', ['figure', text(comparison.first), text(comparison.second), 'difference', ...(several ? ['95% interval'] : [])], rows);
}

function streamTable(runs: readonly RunResult[], models: readonly string[], seeds: readonly number[]): string {
  const terms = (Object.keys(STREAM_TERMS) as (keyof typeof STREAM_TERMS)[]).map((key) => `<th scope="col">${term(key)}</th>`).join('');
  const head = `<thead><tr><td colspan="2"></td>${models.map((model) => `<th scope="colgroup" colspan="5">${text(model)}</th>`).join('')}</tr>
<tr><th scope="col">file</th><th scope="col">bytes</th>${models.map(() => terms).join('')}</tr></thead>`;
  const bodies = seeds.map((seed, i) => {
    const shown = models.map((model) => runs.find((run) => run.model === model && run.seed === seed));
    const files = [...new Set(shown.flatMap((run) => run?.streams.map((stream) => stream.file) ?? []))];
    const rows = files.map((file) => {
      const streams = shown.map((run) => run?.streams.find((stream) => stream.file === file));
      const size = streams.find((stream) => stream !== undefined)!.bytes;
      return `<tr><th scope="row">${text(file)}</th><td>${grouped(size)}</td>${streams.map(streamCells).join('')}</tr>`;
    });
    return `<tbody data-seed="${seed}"${i > 0 ? ' hidden' : ''}>${rows.join('\n')}</tbody>`;
  });
  return `<table class="streams">${head}${bodies.join('\n')}</table>`;
}

function streamCells(stream: StreamResult | undefined): string {
  if (stream === undefined) return '<td></td>'.repeat(5);
  const { firstByte, completion, lostPackets, blocked } = stream;
  const mark = (kind: 'own' | 'other'): string => (blocked[kind] > 0 ? ` class="some-${kind}"` : '');
  return `<td>${tenths(firstByte)}</td><td>${tenths(completion)}</td><td>${lostPackets}</td><td${mark('own')}>${tenths(blocked.own)}</td><td${mark('other')}>${tenths(blocked.other)}</td>`;
}

/** Milliseconds without the unit, which stands in the heading of the table. */
const tenths = (micros: number): string => grouped(micros / 1_000, 1);
