import { StructuredReader } from './structured.ts';

/** RFC 9218 §4: urgency 0 (first) to 7; incremental: of use while still incomplete, so it may share with its like. */
export interface Priority {
  readonly urgency: number;
  readonly incremental: boolean;
}

export const DEFAULT_PRIORITY: Priority = { urgency: 3, incremental: false };

/**
 * A Priority field value, or that of a PRIORITY_UPDATE frame: a Dictionary (RFC 9218 §4). Unknown members, values out of
 * range and of other types are passed over; undefined where the text is no Dictionary at all.
 * @param otherwise  what holds where the text says nothing: for a response's field, what the client said (§8)
 */
export function parsePriority(text: string, otherwise: Priority = DEFAULT_PRIORITY): Priority | undefined {
  const reader = new StructuredReader(text);
  let urgency = otherwise.urgency;
  let incremental = otherwise.incremental;
  for (let key = reader.firstKey(); key !== ''; key = reader.nextKey()) {
    const value = reader.member();
    // the last of several members of one name counts (RFC 9651 §3.2), also where it is one to pass over
    if (key === 'u') urgency = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 7 ? value : otherwise.urgency;
    else if (key === 'i') incremental = typeof value === 'boolean' ? value : otherwise.incremental;
  }
  return reader.failed ? undefined : { urgency, incremental };
}

/** The shortest Priority field value; '' for the default. */
export function formatPriority(priority: Priority): string {
  const urgency = priority.urgency === DEFAULT_PRIORITY.urgency ? '' : `u=${priority.urgency}`;
  if (!priority.incremental) return urgency;
  return urgency === '' ? 'i' : `${urgency}, i`;
}
