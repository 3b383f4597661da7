export { answering, Child } from './child.ts';
export { inOneLine } from './complaint.ts';
export { FlowLog } from './flow-log.ts';
export { missing } from './ip.ts';
export type { FromRelay, Lateness, PathAsked, ToRelay } from './messages.ts';
export { addressOf, cleanUp, type End, namespaces, type Place, Tunnel, type TunnelOptions } from './namespaces.ts';
export { MOST_ATTEMPTS, type PageAsked, type PageFetched, relayIn, Stage } from './stage.ts';
