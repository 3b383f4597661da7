export { Alert } from './alerts.ts';
export { clientHandshake } from './client.ts';
export type { ClientConfig, ServerConfig } from './config.ts';
export { type Handshake, type HandshakeFactory, type HandshakeOptions, type HandshakeStep, type Level, TlsAlert } from './port.ts';
export { serverHandshake } from './server.ts';
export { readSession, type SessionInfo } from './session.ts';
export { type TicketKeeperOptions, ticketKeeper } from './ticket-keeper.ts';
export type { TicketKeeper } from './tickets.ts';
