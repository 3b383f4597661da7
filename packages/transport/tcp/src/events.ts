import type { TcpConnection } from './connection/connection.ts';

/**
 * `connected`: the connection that we began is there; `accepted`: one that came to a port that listens. `active`: it has events of its own
 * (ByteStreamEvent), to be polled until there are none; told again when more come up. `drained`: it is gone, forget it.
 */
export type TcpEvent = { readonly type: 'connected' | 'accepted' | 'active' | 'drained'; readonly connection: TcpConnection };
