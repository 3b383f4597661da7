export { type Ended, type GatewayServer, startGateway } from './server.ts';
export { type ServerOptions, VERSIONS, type Version } from './server-options.ts';
