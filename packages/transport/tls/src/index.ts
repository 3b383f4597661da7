export { Alert } from './alerts.ts';
export { clientHandshake } from './client.ts';
export type { ClientConfig, ServerConfig } from './config.ts';
export { type Handshake, type HandshakeFactory, type HandshakeStep, type Level, TlsAlert } from './port.ts';
export { serverHandshake } from './server.ts';
