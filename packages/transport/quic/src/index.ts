export {
  type ConnectOptions,
  defaultTransportConfig,
  type EndpointOptions,
  type PathFacts,
  type Policies,
  type TransportConfig,
  transportConfig,
} from './config.ts';
export type { Connection } from './connection/connection.ts';
export type { ConnectionStats, PathStats } from './connection/statistics.ts';
export { Endpoint } from './endpoint/endpoint.ts';
export { AssertionError, type CloseCause, type DropReason, describeClose, UsageError } from './errors.ts';
export { type ConnectionEvent, type EndpointEvent, isStreamEvent, type StreamEvent } from './events.ts';
export { type ConnectionIdGenerator, randomIds } from './ids/generator.ts';
export { type LoadBalancerConfig, LoadBalancerIds } from './ids/load-balancer-ids.ts';
export { type Beyond, LIMITS, type Limit } from './limits.ts';
export { type ConnectionFacts, type FrameLog, Observer, type PacketView, type Refusal } from './observer.ts';
export type { EcnFailure, EcnState, EcnStats } from './path/ecn.ts';
export { standardPolicies } from './policies.ts';
