export { KeyLogObserver, keyLogLine } from './key-log.ts';
export { QlogObserver, type QlogOptions, QUIC_EVENTS_SCHEMA } from './qlog.ts';
export { TeeObserver } from './tee.ts';
