export { cbrt, log } from './arithmetic.ts';
export type { ByteStream, ByteStreamEvent } from './byte-stream.ts';
export { EventQueue } from './event-queue.ts';
export { type Address, type Datagram, ECN_UNSUPPORTED, type Ecn, type Machine, type Outlet, sameAddress, turn } from './machine.ts';
export { fraction, integerBelow, type Random, seededRandom } from './random.ts';
export { type Clock, MICROSECOND, MILLISECOND, type Micros, NEVER, SECOND } from './time.ts';
