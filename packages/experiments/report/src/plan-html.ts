import { utf8 } from '@quiclab/bytes';
import { headingOf } from './figure-units.ts';
import { CURVES_LEGEND } from './flows-html.ts';
import { grouped } from './format.ts';
import { definitions, htmlPage, row, swatch, type Terms, table, term, text } from './page.ts';
import { type PlanData, planData } from './plan-data.ts';
import { type PlanDetail, RANKS, type Rank } from './plan-details.ts';
import { FIGURE_DEFINITIONS, PLAN_FIGURES, type PlanFigure } from './plan-figures.ts';
import { influenceSection, type PlanInfluence } from './plan-influence.ts';
import type { PlanResult } from './plan-schema.ts';
import { comparisonsText, planRows, runFacts } from './plan-table.ts';
import { FAMILIES, STATE_DEFINITIONS, type StateFamily } from './state-definitions.ts';

export interface PlanPage {
  readonly result: PlanResult;
  /** The plan as it is written. */
  readonly yaml: string;
  /** Runs to look at one by one. */
  readonly details: readonly PlanDetail[];
  /** Said where `details` does not have what one would look for; may be empty. */
  readonly missing?: string;
  /** Matrices, where the plan asks for them, and what is said where one is not there. */
  readonly influences?: readonly PlanInfluence[];
  readonly influenceMissing?: string;
  /** Whether runs.parquet is beside the page. */
  readonly parquet?: boolean;
}

/** Two hops are two carriers with two sets of octets, and the gateway's queue lies between them: EXPERIMENTS §4 defines states of one exchange on one carrier. */
const NO_STATES =
  'No account was kept of these runs. Through a gateway an exchange is two, one for each hop, with the gateway’s own buffers between them; what they wait for is not attributed across both. Page load, TTFB and completion are what the client saw.';

/** Of the whole page, and of the plan's text on it. */
const MOST_OCTETS = 10_000_000;
const MOST_OF_PLAN = 100_000;
/** A table of more rows, or of more cells, is in result.json. */
const MOST_ROWS = 400;
const MOST_TABLE_CELLS = 10_000;

/**
 * What came of a plan as one HTML page that needs nothing else: figures, distributions, what each model does as something varies, where the time goes,
 * single runs with all their streams, and the plan. Light or dark, down to the width of a phone, printable, usable by keyboard.
 */
export function planReport(page: PlanPage): string {
  let { details, influences = [], missing = '', influenceMissing = '' } = page;
  for (;;) {
    const html = pageOf({ ...page, details, influences, missing, influenceMissing });
    const over = octetsOf(html) - MOST_OCTETS;
    if (over <= 0 || details.length + influences.length === 0) return html;
    // what is last matters least
    const fewer = withoutLast(details, over);
    if (fewer < details.length) missing = leftOut(page.missing, page.details.length - fewer, 'runs');
    else influenceMissing = leftOut(page.influenceMissing, influences.length, 'matrices');
    if (fewer === details.length) influences = [];
    details = details.slice(0, fewer);
  }
}

const octetsOf = (value: string): number => utf8(value).length;

/** How many are left if so many octets are taken from the end. */
function withoutLast(all: readonly unknown[], octets: number): number {
  let { length } = all;
  for (let taken = 0; length > 0 && taken < octets; length--) taken += octetsOf(JSON.stringify(all[length - 1]));
  return length;
}

const leftOut = (before = '', count: number, what: string): string =>
  `${before === '' ? '' : `${before} `}The page is to have ${grouped(MOST_OCTETS / 1e6)} MB at most: ${grouped(count)} ${what} that were made for it are left out.`;

function pageOf({
  result,
  yaml,
  details: allDetails,
  missing = '',
  influences: allInfluences = [],
  influenceMissing = '',
  parquet = false,
}: PlanPage): string {
  const { question, world, version, variables, variants, summaries, runs, complete } = result;
  const data = planData(result, allDetails, allInfluences);
  const { details, influences } = data;
  const { count, failed } = runFacts(runs);
  const timed = isTimed(summaries);
  const figures = figuresIn(data);
  const nothing = count > 0 && failed === count;
  return htmlPage({
    title: question,
    world: world === 'simulated' ? 'Simulated, not measured' : 'Measured on real sockets, through a relay',
    sentence: `${nothing ? `All ${grouped(count)} runs came to nothing` : `${grouped(count)} runs`}: ${subjectsText(data.subjects)}${variables.map(({ key, values }) => `, ${key} ${listed(values)}`).join('')}.${complete ? '' : ' Not all runs of the plan are done.'}`,
    facts: `${factsOf(result)} quiclab ${version}.`,
    main: `<h2 id="asked">What was asked</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="asked">${asked(result)}</div>
${data.variants.length < variants.length ? `<p>Of ${grouped(variants.length)} combinations of what is varied, the first ${grouped(data.variants.length)} are drawn on this page, so that it stays small; ${parquet ? '<code>runs.parquet</code> has the runs of' : '<code>result.json</code> has'} all.</p>` : ''}
${nothing ? '' : `<p class="quiet">Medians over the seeds, [where they lie with 95%], by bootstrap. ${text(comparisonsText(summaries))}</p>`}
${failed === 0 ? '' : failures(runs, failed)}
${nothing ? '' : figuresSections(result, data, details, missing)}
${influenceSection(
  influences,
  data.variants.map(({ label }) => label),
  influenceMissing,
)}
<h2>The plan</h2>
<p>Kept as <code>plan.yaml</code>${filesText(result)}, this runs it again${world === 'simulated' ? ' and gives the same figures' : ''}:</p>
<pre class="command">npx -y pnpm@12 lab run plan.yaml${world === 'simulated' ? '' : ' --real'}</pre>
<pre tabindex="0" aria-label="The plan">${text(yaml.slice(0, MOST_OF_PLAN))}</pre>
${yaml.length > MOST_OF_PLAN ? '<p class="quiet">This is the beginning of it; <code>plan.json</code> has all.</p>' : ''}
<p class="quiet">The figures of every run are in <code>result.json</code>${parquet ? ', and for SQL in <code>runs.parquet</code>: <code>npx -y pnpm@12 lab sql</code> asks it' : ''}.</p>
<h2>What the figures mean</h2>
${definitions(Object.fromEntries([...new Set([...figures, ...result.figures])].map((figure) => [figure, TERMS[figure]!])))}
${timed ? `<h2>What an exchange can wait for</h2>\n${definitions(STATE_TERMS)}` : ''}`,
    data,
    scripts: ['chart.js', 'waterfall-chart.js', 'curves-chart.js', 'heat-map.js', 'plan.js', 'plan-runs.js', 'plan-influence.js'],
  });
}

/** What there is to see where a run came to something. */
function figuresSections(result: PlanResult, data: PlanData, details: readonly PlanDetail[], missing: string): string {
  const { variables, summaries } = result;
  const varied = variables.some(({ values }) => values.length > 1);
  const figures = figuresIn(data);
  return `<h2>How they are spread</h2>
<p class="choice"><label>Figure <select id="figure">${options(figures, (figure) => headingOf(figure))}</select></label>
${data.variants.length > 1 ? `<label>Where <select id="variant">${data.variants.map(({ label }, i) => `<option value="${i}"${i === data.variants.length - 1 ? ' selected' : ''}>${text(label)}</option>`).join('')}</select></label>` : ''}</p>
<div class="pair">
${chart('boxes', 'Every run', 'Every run as a point; the box holds the middle half, its line the median', 'up and down go through them')}
${chart('ecdf', 'Share of runs', 'The share of runs with this much or less', 'left and right go through the shares')}
</div>
${
  varied
    ? `<h2>As something varies</h2>
<p class="choice">${variables.filter(({ values }) => values.length > 1).length > 1 ? `<label>What varies <select id="variable">${variables.flatMap(({ key, values }, i) => (values.length > 1 ? [`<option value="${i}">${text(key)}</option>`] : [])).join('')}</select></label>` : ''}</p>
${chart('sweep', 'Medians', 'Medians of the figure chosen above, with the bars where they lie with 95%', 'left and right go through the values')}`
    : ''
}
${
  isTimed(summaries)
    ? `<h2>Where the time goes</h2>
<p class="quiet">The states along the critical chain of the page, means over the runs: with gaps they sum to the page load.</p>
${familyLegend()}
${chart('states', 'States', 'Time along the critical chain by state', 'up and down go through the models', NO_STATES)}`
    : ''
}
${runsSection(data, details, missing)}
<h2 id="figures">Every figure${data.variants.length > 1 ? ': <span class="where"></span>' : ''}</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="figures">${table(
    'all',
    ['median of', ...data.subjects.map(text)],
    figures.map((figure) => row(term(TERMS, figure), Array<string>(data.subjects.length).fill(''))),
  )}</div>`;
}

const figuresIn = (data: PlanData): PlanFigure[] => PLAN_FIGURES.filter((figure) => data.figures[figure] !== undefined);
const isTimed = (summaries: PlanResult['summaries']): boolean => summaries.some(({ states }) => Object.keys(states).length > 0);

/** Shown, and told apart. */
const MOST_REASONS = 5;
const MOST_COUNTED = 1_000;

/** Why runs came to nothing, the most frequent reason first. */
function failures(runs: PlanResult['runs'], failed: number): string {
  const reasons = new Map<string, { runs: number; readonly first: string }>();
  let other = 0; // with a reason that is not counted
  for (const { key, failed: reason } of runs) {
    if (reason === undefined) continue;
    const known = reasons.get(reason);
    if (known !== undefined) known.runs++;
    else if (reasons.size < MOST_COUNTED) reasons.set(reason, { runs: 1, first: key });
    else other++;
  }
  const shown = [...reasons].sort(([, a], [, b]) => b.runs - a.runs).slice(0, MOST_REASONS);
  for (const [reason, own] of reasons) if (!shown.some(([one]) => one === reason)) other += own.runs;
  return `<p>${grouped(failed)} ${failed === 1 ? 'run' : 'runs'} came to nothing:</p>
<ul>
${shown.map(([reason, own]) => `<li>${grouped(own.runs)}: ${text(reason)} <span class="quiet">(first: ${text(own.first)})</span></li>`).join('\n')}
</ul>${other > 0 ? `\n<p class="quiet">And ${grouped(other)} for other reasons, which result.json has.</p>` : ''}`;
}

const RANK_NAMES: Readonly<Record<Rank, string>> = { median: 'the median', p95: 'the 95th percentile', worst: 'the worst' };

/** Single runs: their streams, and what their senders did. */
function runsSection({ variants }: PlanData, details: readonly PlanDetail[], missing: string): string {
  const left = missing === '' ? '' : `<p class="quiet">${text(missing)}</p>`;
  if (details.length === 0) return missing === '' ? '' : `<h2>Single runs</h2>\n${left}`;
  const own = [...new Set(details.map(({ variant }) => variant))].sort((a, b) => a - b);
  const models = [...new Set(details.map(({ model }) => model))];
  const pages = models.filter((model) => details.some((detail) => detail.model === model && detail.page !== undefined));
  const curves = models.filter((model) => details.some((detail) => detail.model === model && detail.curves !== undefined));
  return `<h2>Single runs</h2>
<p class="quiet">Made again in virtual time: of each model the run in the middle, at the 95th percentile and at the end, by the plan’s first figure.</p>
${left}
<p class="choice">${own.length > 1 ? `<label>Where <select id="run-variant">${own.map((i) => `<option value="${i}"${i === own.at(-1) ? ' selected' : ''}>${text(variants[i]!.label)}</option>`).join('')}</select></label>` : ''}
<label>Run <select id="run-rank">${RANKS.map((rank) => `<option value="${rank}">${RANK_NAMES[rank]}</option>`).join('')}</select></label></p>
${
  pages.length === 0
    ? ''
    : `<h3>What each stream waited for</h3>
${familyLegend()}
<ul class="legend">
<li>${swatch('<rect y="4" width="28" height="5" fill="var(--own)"/>')}below: blocked by its own loss</li>
<li>${swatch('<rect y="3" width="28" height="8" fill="var(--other)"/>')}by another stream’s</li>
<li>${swatch('<rect x=".5" y="3.5" width="27" height="7" fill="var(--connection)" stroke="var(--ink)" stroke-dasharray="2 2"/>')}by the connection’s</li>
<li>${swatch('<path d="M10 3l8 8m0-8l-8 8" stroke="var(--ink)" stroke-width="1.6"/>')}packet lost</li>
</ul>
<div class="waterfalls">
${pages
  .map(
    (model) => `<figure class="run" data-model="${text(model)}">
<figcaption><h3>${text(model)}</h3><p class="quiet facts"></p></figcaption>
<div class="chart" tabindex="0" role="group" aria-label="Waterfall of ${text(model)}: up and down go through the streams, left and right through the runs; what they show is read out"></div>
<p class="quiet instead" hidden>This run is not on the page.</p>
<p class="spoken" aria-live="polite"></p>
</figure>`,
  )
  .join('\n')}
</div>
<h3>Who waited for whom</h3>
<p class="quiet">Blocked time of these very runs: how long octets of a stream (rows) had arrived and lay waiting, by the stream whose octet was missing (columns). Outlined is the wait for the stream’s own
lost octets; all else is head-of-line blocking.</p>
<div class="waterfalls">
${pages
  .map(
    (model) => `<figure class="blame" data-model="${text(model)}">
<figcaption><h3>${text(model)}</h3><p class="quiet facts"></p></figcaption>
<div class="chart" tabindex="0" role="group" aria-label="Who waited for whom under ${text(model)}: the arrows go through the cells, which are read out"></div>
<p class="spoken" aria-live="polite"></p>
</figure>`,
  )
  .join('\n')}
</div>`
}
${
  curves.length === 0
    ? ''
    : `<h3>Window, pacing, round trip and queue over time</h3>
<p class="choice">${curves.length > 1 ? `<label>Model <select id="run-model">${curves.map((model) => `<option${model === curves.at(-1) ? ' selected' : ''}>${text(model)}</option>`).join('')}</select></label>` : ''}</p>
${CURVES_LEGEND}
<figure class="panel">
<figcaption><p class="quiet facts"></p></figcaption>
<div class="chart" id="curves" tabindex="0" role="group" aria-label="Curves: left and right move through time, plus and minus show less and more of it; the values are read out"></div>
<p class="quiet instead" hidden></p>
<p class="spoken" aria-live="polite"></p>
</figure>`
}`;
}

const TERMS: Terms = Object.fromEntries(
  PLAN_FIGURES.map((figure) => [figure, { name: headingOf(figure), definition: FIGURE_DEFINITIONS[figure].definition }]),
);

const STATE_TERMS: Terms = Object.fromEntries(
  Object.entries(STATE_DEFINITIONS).map(([name, { definition }], i) => [`state-${i}`, { name, definition: `${definition}.` }]),
);

const listed = (values: readonly string[]): string =>
  values.length > 8 ? `${values.slice(0, 3).join(', ')} … ${values.at(-1)} (${values.length} values)` : values.join(', ');

const subjectsText = (subjects: readonly string[]): string => listed(subjects);

function factsOf({ variants }: PlanResult): string {
  const [first] = variants;
  const same = (of: 'workload' | 'path'): boolean => variants.every((variant) => variant[of] === first![of]);
  return `${same('workload') ? `${first!.workload}. ` : ''}Path: ${first!.path}${same('path') ? '' : ' (in the first row)'}.`;
}

function asked(result: PlanResult): string {
  const { head, rows } = planRows(result);
  const lead = result.variables.length + 1; // what is varied, and the subject, are the row's name
  const heads = head.map(({ text: name, figure }) => (figure === undefined ? text(name) : term(TERMS, figure)));
  const most = Math.min(MOST_ROWS, Math.ceil(MOST_TABLE_CELLS / head.length));
  const body = rows
    .slice(0, most)
    .map(
      (cells) =>
        `<tr>${cells.map((cell, i) => (i < lead ? `<th scope="row"${i === lead - 1 ? ' class="subject"' : ''}>${text(cell)}</th>` : `<td>${text(cell)}</td>`)).join('')}</tr>`,
    );
  const more =
    rows.length > most ? `<p class="quiet">These are the first ${most} of ${grouped(rows.length)}; result.json has them all.</p>` : '';
  return `<table class="asked"><thead><tr>${heads.map((name, i) => `<th scope="col"${i < lead ? ' class="lead"' : ''}>${name}</th>`).join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>${more}`;
}

const options = <T extends string>(values: readonly T[], name: (value: T) => string): string =>
  values.map((value) => `<option value="${value}">${text(name(value))}</option>`).join('');

const chart = (
  name: string,
  title: string,
  caption: string,
  keys: string,
  instead = 'No run here has this figure.',
): string => `<figure class="panel">
<figcaption><h3>${title}</h3><p class="quiet">${caption}.</p></figcaption>
<div class="chart" id="${name}" tabindex="0" role="group" aria-label="${caption}: ${keys}, the values are read out"></div>
<p class="quiet instead" hidden>${instead}</p>
<p class="spoken" aria-live="polite"></p>
</figure>`;

function filesText({ plan: { files } }: PlanResult): string {
  const names = Object.keys(files);
  return names.length === 0 ? '' : ` with ${text(names.join(', '))} beside it (result.json has what is in them)`;
}

/** Each family with the bar that stands for it: never told by its colour alone. */
const SWATCHES: Readonly<Record<StateFamily, string>> = {
  waiting: '<rect y="5" width="28" height="4" fill="var(--waiting)"/>',
  server: '<rect y="3" width="28" height="8" fill="var(--server)"/>',
  stalled:
    '<rect y="3" width="28" height="8" fill="var(--stalled)"/><path d="M4 11l8-8M12 11l8-8M20 11l8-8" stroke="var(--paper)" stroke-width="1.6"/>',
  transit: '<rect y="1" width="28" height="12" fill="var(--transfer)"/>',
  undetected: '<rect x=".8" y="1.8" width="26.4" height="10.4" fill="var(--paper)" stroke="var(--undetected)" stroke-width="1.6"/>',
  other: '<rect y="1" width="28" height="12" fill="var(--other)"/>',
  held: '<rect y="1" width="28" height="12" fill="var(--held)"/><path d="M0 7h28" stroke="var(--paper)" stroke-width="1.6"/>',
};

const familyLegend = (): string => `<ul class="legend">
${(Object.keys(FAMILIES) as StateFamily[]).map((family) => `<li>${swatch(SWATCHES[family])}${text(FAMILIES[family])}</li>`).join('\n')}
</ul>`;
