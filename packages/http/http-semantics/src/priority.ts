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
 */
export function parsePriority(text: string): Priority | undefined {
  const reader = new StructuredReader(text);
  let urgency = DEFAULT_PRIORITY.urgency;
  let incremental = DEFAULT_PRIORITY.incremental;
  for (let key = reader.firstKey(); key !== ''; key = reader.nextKey()) {
    const value = reader.member();
    // the last of several members of one name counts (RFC 9651 §3.2), also where it is one to pass over
    if (key === 'u')
      urgency = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 7 ? value : DEFAULT_PRIORITY.urgency;
    else if (key === 'i') incremental = typeof value === 'boolean' ? value : DEFAULT_PRIORITY.incremental;
  }
  return reader.failed ? undefined : { urgency, incremental };
}

/** The shortest Priority field value; '' for the default. */
export function formatPriority(priority: Priority): string {
  const urgency = priority.urgency === DEFAULT_PRIORITY.urgency ? '' : `u=${priority.urgency}`;
  if (!priority.incremental) return urgency;
  return urgency === '' ? 'i' : `${urgency}, i`;
}
