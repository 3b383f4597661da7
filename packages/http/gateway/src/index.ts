export { Back, type DialFailure, type OpenedBack } from './back.ts';
export { Front } from './front.ts';
export { Gateway } from './gateway.ts';
export { type Beyond, LIMITS, type Limit } from './limits.ts';
export type { GatewayObserver, Passage } from './observer.ts';
export type { ForwardedStyle, FrontFacts, GatewayOptions, GatewayPorts, HttpVersion } from './options.ts';
export { type Windows, windowsFor } from './windows.ts';
