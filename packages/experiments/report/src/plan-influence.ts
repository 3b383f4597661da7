import type { Micros } from '@quiclab/sansio';
import { text } from './page.ts';

/** The figures of which there is a matrix each. EXPERIMENTS §4, Influence. */
export const INFLUENCE_FIGURES = ['completion', 'slot', 'wait'] as const;
export type InfluenceFigure = (typeof INFLUENCE_FIGURES)[number];

export const INFLUENCE_DEFINITIONS: Readonly<Record<InfluenceFigure, { readonly name: string; readonly definition: string }>> = {
  completion: { name: 'completion', definition: 'how much later the last byte of the stream is deliverable' },
  slot: { name: 'mean slot', definition: 'how much later bytes of the stream arrive' },
  wait: { name: 'mean wait', definition: 'how much longer bytes that have arrived wait to be deliverable' },
};

/** What each of some packets does to each stream where it alone is dropped, against the run without loss. */
export interface PlanInfluence {
  readonly variant: number;
  readonly model: string;
  /** Columns: names, and numbers in the order in which they were issued, from 1. */
  readonly streams: readonly { readonly name: string; readonly number: number }[];
  /** How many streams are not here, those that change least. */
  readonly fewer: number;
  readonly rows: readonly InfluenceOfPacket[];
  /** Packets that could have been dropped. */
  readonly packets: number;
  /** Packets that left nothing to compare: the page never came, or an exchange was made again. */
  readonly failed: number;
  /** Packets that a full queue dropped beside. */
  readonly queueDrops: number;
}

/** By column, whole µs. */
export interface InfluenceOfPacket extends Readonly<Record<InfluenceFigure, readonly Micros[]>> {
  /** The nth packet from the server. */
  readonly lost: number;
  /** Columns whose octets were in it. */
  readonly carried: readonly number[];
}

/** A matrix for each model, of the figure and the variant that are chosen. */
export function influenceSection(influences: readonly PlanInfluence[], labels: readonly string[], missing: string): string {
  const left = missing === '' ? '' : `<p class="quiet">${text(missing)}</p>`;
  if (influences.length === 0) return missing === '' ? '' : `<h2>Influence of one lost packet</h2>\n${left}`;
  const variants = [...new Set(influences.map(({ variant }) => variant))];
  const models = [...new Set(influences.map(({ model }) => model))];
  const chosen: InfluenceFigure = 'wait';
  return `<h2>Influence of one lost packet</h2>
<p class="quiet">The page without any loss, and again with exactly one packet from the server dropped (rows): what that does to each stream (columns). Outlined are the streams whose octets were in
it; a cell without colour is no change. What else the plan loses is left out.</p>
${left}
<p class="choice"><label>Matrix <select id="influence-figure">${INFLUENCE_FIGURES.map((figure) => `<option value="${figure}"${figure === chosen ? ' selected' : ''}>${text(INFLUENCE_DEFINITIONS[figure].name)}: ${text(INFLUENCE_DEFINITIONS[figure].definition)}</option>`).join('')}</select></label>
${variants.length > 1 ? `<label>Where <select id="influence-variant">${variants.map((i) => `<option value="${i}">${text(labels[i]!)}</option>`).join('')}</select></label>` : ''}</p>
<div class="waterfalls">
${models
  .map(
    (model) => `<figure class="influence" data-model="${text(model)}">
<figcaption><h3>${text(model)}</h3><p class="quiet facts"></p></figcaption>
<div class="chart" tabindex="0" role="group" aria-label="Influence under ${text(model)}: the arrows go through packets and streams, the values are read out"></div>
<p class="spoken" aria-live="polite"></p>
</figure>`,
  )
  .join('\n')}
</div>`;
}
