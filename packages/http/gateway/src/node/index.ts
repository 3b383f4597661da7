export { type Ended, type GatewayServer, type ServerOptions, startGateway, VERSIONS, type Version } from './server.ts';
