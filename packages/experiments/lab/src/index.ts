export { FileServer, type FileSource } from './apps/file-server.ts';
export { HttpApp, type HttpHandler } from './apps/http-app.ts';
export { type FetchedObject, PageClient } from './apps/page-client.ts';
export { ALPN, httpFor, MODELS, type ModelId } from './model.ts';
export { ArrivalLog, CarriedLog, OwnerLog } from './observe.ts';
export { type AccountedObject, accountRun, type LinkDrop, type LinkFigures, ledgerOf, type RunRecord } from './record.ts';
export { clientEnd, serverEnd } from './worlds/endpoints.ts';
export { LinkLog, linkConfig, type PathPlan } from './worlds/links.ts';
export { runSimulated, type SimulatedRun } from './worlds/simulated.ts';
