export type { CertificateInput } from './certificate.ts';
export { type Client, type ClientOptions, createClient, fetch } from './client.ts';
export type { TransportOptions } from './host.ts';
export { LIMITS } from './limits.ts';
export { type Handler, type ServeOptions, type Server, serve } from './serve.ts';
export { ConnectionLostError } from './session.ts';
