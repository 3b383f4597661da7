import type { FlowResult, FlowsJson, FlowsRun } from './flows-schema.ts';
import { bitRate, grouped, milliseconds } from './format.ts';
import { definitions, htmlPage, row, swatch, table, term, text } from './page.ts';

/**
 * Bulk transfers as one HTML page that needs nothing else: window, flight, rates, round trips and queue over virtual time, what
 * happened to packets when, and the figures. Light or dark as the reader has it, down to the width of a phone, usable by keyboard.
 */
export function flowsReport(result: FlowsJson): string {
  return htmlPage({
    title: flowsTitle(result),
    world: 'Simulated, not measured',
    sentence: flowsSentence(result),
    facts: `${pathText(result)}. Seed ${result.seed}, quiclab ${result.version}. Run again with: pnpm lab:cc ${result.arguments.join(' ')}`,
    main: `<h2>Over virtual time</h2>
<div class="flows" role="group" aria-label="Flows shown">
${flowNames(result)
  .map((name, i) => `<button type="button" class="flow" aria-pressed="true" data-flow="${i}">${text(name)}</button>`)
  .join('\n')}
</div>
${CURVES_LEGEND}
<div class="chart curves" tabindex="0" role="group" aria-label="Curves: left and right move through time, plus and minus show less and more of it; the values are read out"></div>
<p class="spoken" aria-live="polite"></p>
<h2 id="figures">Figures</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="figures">${figures(result)}</div>
<h2>What the figures mean</h2>
${definitions(TERMS)}`,
    data: { ...result, names: flowNames(result) },
    scripts: ['chart.js', 'curves-chart.js', 'flows.js'],
  });
}

const TERMS = {
  completion: { name: 'completion', definition: 'Transfer asked for until its last byte was read.' },
  goodput: {
    name: 'goodput',
    definition: 'Bytes of the stream that arrived, over time: in the table over the whole transfer, in the curve over equal steps of time.',
  },
  lost: {
    name: 'lost',
    definition: 'Packets that the sender declared lost. The mark stands where it did so, not where the packet was dropped.',
  },
  spurious: { name: 'arrived after all', definition: 'Packets declared lost whose acknowledgement came later.' },
  repairs: { name: 'repairs', definition: 'Packets with bytes that had been sent before, probes included.' },
  inVain: { name: 'in vain', definition: 'Repairs of which all repeated bytes arrive in an earlier copy, too.' },
  probes: { name: 'probes', definition: 'Packets sent because a probe timeout had passed: nothing had been heard.' },
  collapses: {
    name: 'collapses',
    definition: 'Persistent congestion: all was lost for three probe timeouts, and the window fell to its minimum.',
  },
  injected: { name: 'dropped: injected', definition: 'Datagrams that the loss model of the link with the data took.' },
  queue: {
    name: 'queue',
    definition: 'Datagrams for which that link’s queue had no room. The curve is the queue as packets that enter it find it.',
  },
} as const;

const line = (attributes: string): string => swatch(`<path d="M0 7h28" fill="none" stroke="var(--ink)" ${attributes}/>`);
/** What lines and marks mean. */
export const CURVES_LEGEND = `<ul class="legend">
<li>${line('stroke-width="2"')}window, goodput, smoothed RTT</li>
<li>${line('stroke-width="1.4" stroke-dasharray="5 3"')}slow-start threshold, smallest RTT</li>
<li>${line('stroke-width="1" opacity=".55"')}bytes in flight, pacing rate, latest RTT</li>
<li>${swatch('<rect y="2" width="28" height="10" fill="var(--ink)" opacity=".16"/>')}slow start</li>
<li>${swatch('<rect y="2" width="28" height="10" fill="var(--ink)" opacity=".5"/>')}recovery</li>
<li>${swatch('<path d="M14 1v12" stroke="var(--ink)" stroke-width="1.6"/>')}declared lost</li>
<li>${swatch('<circle cx="14" cy="7" r="4" fill="none" stroke="var(--ink)" stroke-width="1.6"/>')}arrived after all</li>
<li>${swatch('<path d="M14 1.5l5.5 10h-11z" fill="var(--ink)"/>')}probe timeout</li>
<li>${swatch('<path d="M10 3l8 8m0-8l-8 8" stroke="var(--ink)" stroke-width="1.6"/>')}no room in the queue</li>
</ul>`;

/** All flows of all runs, each with a name that no other has. */
export function flowNames({ runs }: FlowsJson): string[] {
  const all = runs.flatMap((run) => run.flows.map(({ name }) => name));
  return all.map((name, i) => {
    const nth = all.slice(0, i + 1).filter((other) => other === name).length;
    return all.filter((other) => other === name).length === 1 ? name : `${name} (${nth})`;
  });
}

const together = ({ runs }: FlowsJson): boolean => runs.some(({ flows }) => flows.length > 1);

export function flowsTitle(result: FlowsJson): string {
  const names = flowNames(result);
  const list = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
  return names.length === 1
    ? `${list} on a path for itself`
    : together(result)
      ? `${list} on one path`
      : `${list}, each on the same path for itself`;
}

/** '10 Mbit/s, 30.0 ms there and back, queue of 31 packets, 1% lost down'. */
export function pathText({ path }: FlowsJson): string {
  const rate = path.rate === 0 ? 'no rate limit' : bitRate(path.rate);
  return [
    rate,
    `${milliseconds(path.rtt)} there and back`,
    ...(path.queue === '' ? [] : [`a queue of ${path.queue}`]),
    ...path.impairments,
  ].join(', ');
}

/** What came of each flow, one clause each. */
export function flowsSentence(result: FlowsJson): string {
  const names = flowNames(result);
  const clauses = result.runs
    .flatMap((run) => run.flows.map((flow) => ({ run, flow })))
    .map(({ run, flow }, i) => {
      const rate = bitRate(Math.round(goodputOf(run, flow) * 8));
      return flow.completedAt < 0
        ? `${names[i]} brought ${grouped(flow.octets)} bytes (${rate})`
        : `${names[i]} took ${milliseconds(flow.completedAt - flow.requestedAt)} (${rate})`;
    });
  return `${clauses.join('; ')}.`;
}

/** Octets per second. */
export function goodputOf({ endedAt }: FlowsRun, { octets, requestedAt, completedAt }: FlowResult): number {
  const time = (completedAt < 0 ? endedAt : completedAt) - requestedAt;
  return requestedAt < 0 || time <= 0 ? 0 : (octets * 1_000_000) / time;
}

/** The table's rows: one for each flow. What the link dropped is the run's. */
export const FLOW_HEAD = [
  'completion',
  'goodput',
  'lost',
  'spurious',
  'repairs',
  'inVain',
  'probes',
  'collapses',
  'injected',
  'queue',
] as const;

export function flowRows(result: FlowsJson): { readonly name: string; readonly cells: readonly string[] }[] {
  const names = flowNames(result);
  return result.runs
    .flatMap((run) => run.flows.map((flow) => ({ run, flow })))
    .map(({ run, flow }, i) => ({
      name: names[i]!,
      cells: [
        flow.completedAt < 0 ? '–' : milliseconds(flow.completedAt - flow.requestedAt),
        bitRate(Math.round(goodputOf(run, flow) * 8)),
        ...[flow.lost, flow.spuriouslyLost, flow.repairs, flow.spuriousRepairs, flow.probes, flow.persistentCongestions].map((n) =>
          grouped(n),
        ),
        grouped(run.links.down.lost),
        grouped(run.links.down.queueDropped),
      ],
    }));
}

export const flowTerm = (key: (typeof FLOW_HEAD)[number]): string => TERMS[key].name;

const figures = (result: FlowsJson): string =>
  table(
    '',
    ['flow', ...FLOW_HEAD.map((key) => term(TERMS, key))],
    flowRows(result).map(({ name, cells }) => row(text(name), cells)),
  );
