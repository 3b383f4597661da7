import type { Data } from './qlog-frames.ts';
import { qvisEvent, qvisHeader } from './qlog-qvis.ts';

/** The draft that the events follow: draft-ietf-quic-qlog-quic-events, the editors' copy after -12. */
export const QUIC_EVENTS_SCHEMA = 'urn:ietf:params:qlog:events:quic-13';

export type Dialect = 'current' | 'qvis';

/** How a trace begins, and what becomes of an event's name and data. */
interface DialectRules {
  header(side: 'client' | 'server', groupId: string, title: string | undefined): Data;
  /** undefined: the dialect has no such event. Time in milliseconds. */
  event(time: number, name: string, data: Data, tuple: string, datagram: number | undefined): Data | undefined;
}

const current: DialectRules = {
  header: (side, group_id, title) => ({
    file_schema: 'urn:ietf:params:qlog:file:sequential',
    serialization_format: 'application/qlog+json-seq',
    title,
    trace: {
      common_fields: {
        group_id,
        time_format: 'relative_to_epoch',
        reference_time: { clock_type: 'monotonic', epoch: 'unknown' },
      },
      vantage_point: { name: 'quiclab', type: side },
      event_schemas: [QUIC_EVENTS_SCHEMA],
    },
  }),
  event: (time, name, data, tuple, datagram) => ({
    time,
    name: `quic:${name}`,
    data,
    tuple: tuple === '' ? undefined : tuple,
    datagram_id: datagram,
  }),
};

export const DIALECTS: Readonly<Record<Dialect, DialectRules>> = { current, qvis: { header: qvisHeader, event: qvisEvent } };
