import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Fault, Schema } from './cddl.ts';

const SPECS = fileURLToPath(new URL('../../../shared/specs/', import.meta.url));
const DRAFTS = ['draft-qlog-main-schema.md', 'draft-qlog-quic-events.md'];

/** Whether the drafts' texts are there. */
export const hasDrafts = DRAFTS.every((name) => existsSync(SPECS + name));

/** What no draft has yet, where the drafts say that they are extended: draft-ietf-quic-ack-frequency, its units (µs). */
const EXTENSIONS = `
$$quic-parametersset-extension //= ( ? min_ack_delay: uint64 )
AckFrequencyFrame = {
    frame_type: "ack_frequency"
    sequence_number: uint64
    ack_eliciting_threshold: uint64
    requested_max_ack_delay: uint64
    ; absent where a packet that was lost is told of
    ? reordering_threshold: uint64
}
ImmediateAckFrame = {
    frame_type: "immediate_ack"
}
$QuicFrame /= AckFrequencyFrame / ImmediateAckFrame
`;

/** The drafts' CDDL: what stands between `~~~ cddl` and `~~~`. Examples have other fences. @param own  and what we add to it */
export function draftSchema(own = ''): Schema {
  const blocks = DRAFTS.flatMap((name) =>
    [...readFileSync(SPECS + name, 'utf8').matchAll(/^~~~ *cddl\n(.*?)^~~~/gms)].map((match) => match[1]!),
  );
  return new Schema([...blocks, EXTENSIONS, own].join('\n'));
}

/** 'quic:packet_sent' has the data QUICPacketSent, 'link:datagram_marked' LinkDatagramMarked. undefined: there is no such event. */
export function dataTypeOf(schema: Schema, event: string): string | undefined {
  const wanted = event.replace(/[:_]/g, '').toLowerCase();
  return schema.names.find((name) => /^(QUIC|Link)/.test(name) && name.toLowerCase() === wanted);
}

export interface QlogRecord {
  readonly name?: string;
  readonly data?: unknown;
  readonly [field: string]: unknown;
}

/** What is wrong with one record of a sequential file; '' for nothing. */
export function checkRecord(schema: Schema, record: QlogRecord): Fault {
  if (record.name === undefined) return schema.check('QlogFileSeq', record);
  const type = dataTypeOf(schema, record.name);
  if (type === undefined) return `${record.name} is no event of the draft`;
  // the draft's Event takes the data of any event, and any field beside it: each is checked by itself
  const { data, ...rest } = record;
  return schema.check(type, data) || schema.check('Event', { ...rest, data: { message: '' } });
}
