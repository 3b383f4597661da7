export { type NodeDialOptions, nodeDial } from './dial.ts';
export { type NodeServeOptions, type NodeServer, nodeServe } from './serve.ts';
