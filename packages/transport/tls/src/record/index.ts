export { alertName, ContentType } from './content.ts';
export { type Direction, RecordObserver } from './observer.ts';
export type { TlsStreamEvent, TlsStreamOptions } from './options.ts';
export { RECORD_OVERHEAD } from './record-writer.ts';
export { TlsStream } from './tls-stream.ts';
