export { Capture, type CaptureOptions } from './capture.ts';
export { ipPacket } from './ip-packet.ts';
export { KeyLogObserver, keyLogLine } from './key-log.ts';
export { LINK_EVENTS_SCHEMA, LinkQlog, type NetworkQlog, type NetworkQlogOptions, networkQlog } from './network-qlog.ts';
export { QlogObserver, type QlogOptions } from './qlog.ts';
export { type Dialect, QUIC_EVENTS_SCHEMA } from './qlog-dialects.ts';
export { TeeObserver } from './tee.ts';
