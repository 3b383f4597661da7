import type { Micros } from '@quiclab/sansio';
import type { ModelName } from '../models/model.ts';
import type { RunRecord } from '../record.ts';
import { pageLoadOf } from '../whatif/difference.ts';

/** What makes a run a striking one. */
export type Symptom =
  | { readonly kind: 'pageLoad'; readonly atLeast: Micros }
  | { readonly kind: 'completion'; readonly object: string; readonly atLeast: Micros }
  /** Than another model from whose packets those of the same numbers are lost. */
  | { readonly kind: 'slowerThan'; readonly model: ModelName; readonly by: Micros }
  /** It ends in an error, or the page never comes. */
  | { readonly kind: 'fails' };

/** One run as a symptom is looked for in it. */
export interface Outcome {
  /** undefined: it failed. */
  readonly record: RunRecord | undefined;
  readonly failure: string;
  /** The other model with the same numbers lost; runs when it is asked for. */
  other(model: ModelName): RunRecord | undefined;
}

export function shows(symptom: Symptom, { record, other }: Outcome): boolean {
  if (symptom.kind === 'fails') return record === undefined;
  if (record === undefined) return false;
  if (symptom.kind === 'pageLoad') return pageLoadOf(record) >= symptom.atLeast;
  if (symptom.kind === 'completion') return completionOf(record, symptom.object) >= symptom.atLeast;
  const reference = other(symptom.model);
  return reference !== undefined && pageLoadOf(record) - pageLoadOf(reference) >= symptom.by;
}

/** Throws an Error that names the objects there are. */
export function completionOf({ objects }: RunRecord, id: string): Micros {
  const found = objects.find((object) => object.id === id);
  if (found === undefined) throw new Error(`the page has no object '${id}'`);
  return found.completedAt - found.requestedAt;
}

export function symptomText(symptom: Symptom): string {
  switch (symptom.kind) {
    case 'pageLoad':
      return `the page takes ${symptom.atLeast / 1_000} ms or more`;
    case 'completion':
      return `${symptom.object} takes ${symptom.atLeast / 1_000} ms or more`;
    case 'slowerThan':
      return `the page takes ${symptom.by / 1_000} ms longer than under ${symptom.model} with the same numbers lost`;
    case 'fails':
      return 'the run fails';
  }
}
