export { type Handshake, type HandshakeFactory, type HandshakeStep, type Level, TlsAlert } from './port.ts';
