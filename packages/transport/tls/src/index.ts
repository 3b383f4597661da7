export { Alert } from './alerts.ts';
export { clientHandshake, MAX_CHAIN } from './client.ts';
export { MAX_SESSIONS } from './client-resumption.ts';
export type { ClientConfig, ServerConfig } from './config.ts';
export { MAX_CERTIFICATE as MAX_CERTIFICATE_MESSAGE, MAX_CLIENT_HELLO } from './message-buffer.ts';
export {
  type Handshake,
  type HandshakeFactory,
  type HandshakeOptions,
  type HandshakeStep,
  type HandshakeTransport,
  type Level,
  TlsAlert,
} from './port.ts';
export { serverHandshake } from './server.ts';
export { readSession, type SessionInfo } from './session.ts';
export { REPLAY_LIMIT as MAX_EARLY_TICKETS, type TicketKeeperOptions, ticketKeeper } from './ticket-keeper.ts';
export type { TicketKeeper } from './tickets.ts';
