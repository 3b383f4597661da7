import { Recovery, Space } from '@quiclab/recovery';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { defaultTransportParameters, encodeTransportParameters, type OtherParameter } from '@quiclab/wire';
import type { EndpointOptions, Policies, TransportConfig } from '../config.ts';
import { AckFrequency } from '../control/ack-frequency.ts';
import { Datagrams } from '../control/datagrams.ts';
import { HandshakeDone } from '../control/handshake-done.ts';
import { NewToken } from '../control/new-token.ts';
import { Ping } from '../control/ping.ts';
import { type IdRegistry, LocalIds } from '../ids/local-ids.ts';
import { PeerIds, type ResetTokens } from '../ids/peer-ids.ts';
import { Observer } from '../observer.ts';
import { QuicBit } from '../packet/quic-bit.ts';
import { ReusedPacketView } from '../packet/view.ts';
import { Budget } from '../path/budget.ts';
import { Paths } from '../path/paths.ts';
import { PacketSpace } from '../space/space.ts';
import { ConnectionCredit } from '../streams/connection-credit.ts';
import { StreamFrames } from '../streams/stream-frames.ts';
import { StreamSender } from '../streams/stream-sender.ts';
import { StreamTable } from '../streams/stream-table.ts';
import type { Connection } from './connection.ts';
import { EventQueue } from './event-queue.ts';
import { CryptoHandshake } from './handshake.ts';
import { Idle } from './idle.ts';
import { Lifecycle } from './lifecycle.ts';
import { localParameters, preferredAddress, rememberedLimits } from './parameters.ts';
import { Parts } from './parts.ts';
import { Counters } from './statistics.ts';
import { installInitial, Versions } from './versions.ts';
import { Watch } from './watch.ts';

/** What the endpoint does for a connection. */
export interface ConnectionHost {
  /** The application, or a packet, has given it something to do: it wants a turn. */
  touched(connection: Connection): void;
  readonly ids: IdRegistry;
  readonly resetTokens: ResetTokens;
  /** A token that validates this connection's client the next time. */
  nextToken(now: Micros, version: number): Uint8Array;
  /** An ID for a client's first Initial to go to. RFC 9000 §7.2. */
  newDestination(): Uint8Array;
}

export interface ConnectionSetup {
  readonly side: 'client' | 'server';
  readonly version: number;
  readonly policies: Policies;
  readonly config: TransportConfig;
  readonly maxProbeSize: EndpointOptions['maxProbeSize'];
  readonly random: Random;
  readonly host: ConnectionHost;
  readonly local: Address;
  readonly remote: Address;
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** At a client: an earlier connection to be resumed. */
  readonly session: { readonly data: Uint8Array; readonly earlyData: boolean } | undefined;
  /** Destination connection ID of the client's first Initial. */
  readonly originalDestination: Uint8Array;
  /** At a server: the source ID of the Retry that this connection follows. */
  readonly retrySource: Uint8Array | undefined;
  /** At a client: a token of an earlier connection; empty for none. At a server: not used. */
  readonly token: Uint8Array;
  /** At a server: a token has shown that the client is where it says. */
  readonly addressValidated: boolean;
  /** Where our first packets go: at a client the same, at a server the client's source ID. */
  readonly peerId: Uint8Array;
  readonly initialSecrets: { readonly client: Uint8Array; readonly server: Uint8Array };
  readonly localId: Uint8Array;
  readonly resetToken: Uint8Array;
}

/** Makes the parts of a connection and introduces them to each other. What they are: parts.ts. */
export function assemble(now: Micros, setup: ConnectionSetup): Parts {
  const { side, version, policies, config, host } = setup;
  const observer = policies.observer({ side, originalId: setup.originalDestination });
  const watch = new Watch(now, observer, observer.constructor !== Observer);
  const events = new EventQueue(config.datagramReceiveBuffer);
  const { local, remote } = setup;
  const recovery = new Recovery({
    side,
    controller: policies.congestion({ local, remote, maxDatagramSize: config.datagramSize }),
    lossDetector: (space) => policies.lossDetector(space),
    probes: policies.probes,
    initialRtt: config.initialRtt,
  });
  const peerIds = new PeerIds(setup.peerId, config.activeConnectionIdLimit, host.resetTokens, watch);
  const { maxProbeSize } = setup;
  const paths = new Paths(side, local, remote, recovery, peerIds, policies, config, setup.random.fork('paths'), watch, maxProbeSize);
  if (setup.addressValidated) paths.active.validate();
  const credit = new ConnectionCredit(config.initialMaxData, config.maxDataWindow);
  const table = new StreamTable(side, config, events, credit.pieces, watch);
  const localIds = new LocalIds(
    host.ids,
    setup.localId,
    setup.resetToken,
    side === 'server' ? (setup.retrySource ?? setup.originalDestination) : undefined,
  );
  const parameters = localParameters(
    config,
    setup.localId,
    side === 'server'
      ? {
          originalDestinationConnectionId: setup.originalDestination,
          statelessResetToken: setup.resetToken,
          ...(setup.retrySource && { retrySourceConnectionId: setup.retrySource }),
          ...(config.preferredAddress && {
            preferredAddress: preferredAddress(config.preferredAddress, localIds.issueForPreferredAddress()),
          }),
        }
      : undefined,
  );
  const sender = new StreamSender(table, credit, policies.scheduler(), events, watch);
  const versions = new Versions(version, config.versions, config.grease ? setup.random.fork('grease/versions') : undefined);
  const grease = config.grease ? reservedParameter(setup.random.fork('grease/parameter')) : undefined;
  const newTls = (attempt: number) =>
    policies.handshake({
      side,
      serverName: setup.serverName,
      alpn: setup.alpn,
      random: setup.random.fork(attempt === 1 ? 'handshake' : `handshake/${attempt}`),
      context: () => versions.current.toString(16), // RFC 9369 §5
      ...(setup.session && { session: setup.session.data, earlyData: setup.session.earlyData }),
      ...(side === 'server' && { remember: rememberedLimits(parameters) }),
    });
  const encodeLocal = (at: Micros): Uint8Array => {
    const said = { ...parameters, versionInformation: versions.information() };
    observer.parameters(at, 'local', said);
    return encodeTransportParameters(said, grease);
  };
  const numbers = setup.random.fork('packet-numbers');
  const parts = new Parts({
    side,
    versions,
    policies,
    config,
    originalDestination: setup.originalDestination,
    newDestination: host.newDestination,
    observer,
    observed: watch.on,
    watch,
    view: new ReusedPacketView(observer.readsPayloads),
    events,
    spaces: ALL_SPACES.map((space) => new PacketSpace(space, policies.crypto, version, policies.ackPolicy(space), config, numbers)),
    recovery,
    paths,
    budget: new Budget(paths),
    quicBit: new QuicBit(setup.random.fork('grease/quic-bit')),
    localIds,
    peerIds,
    lifecycle: new Lifecycle(events, watch),
    idle: new Idle(now, config.maxIdleTimeout),
    handshake: new CryptoHandshake(newTls, encodeLocal),
    handshakeDone: new HandshakeDone(),
    newToken: new NewToken(),
    ping: new Ping(),
    retry: { token: setup.token, source: setup.retrySource, nextToken: (at) => host.nextToken(at, versions.current) },
    ackFrequency: new AckFrequency(policies.ackRequests(), parameters.minAckDelay ?? -1, recovery),
    datagrams: new Datagrams(events, config.maxDatagramFrameSize, config.datagramSendBuffer),
    table,
    streams: new StreamFrames(table, credit, sender, events, watch),
    sender,
    credit,
    counters: new Counters(now),
    peerParameters: defaultTransportParameters,
  });
  if (watch.on)
    observer.started(now, {
      side,
      originalId: setup.originalDestination,
      localId: setup.localId,
      peerId: setup.peerId,
      local,
      remote,
      version,
      versions: config.versions,
      alpn: setup.alpn,
      addressValidated: setup.addressValidated,
      maxDatagramSize: config.datagramSize,
      initialWindow: recovery.controller.congestionWindow,
      initialRtt: config.initialRtt,
    });
  installInitial(parts.spaces[Space.INITIAL]!.keys, side, setup.initialSecrets);
  return parts;
}

/** A parameter that means nothing, with a value of any octets. RFC 9000 §18.1. */
function reservedParameter(random: Random): OtherParameter {
  const value = new Uint8Array(random.uint32() & 7);
  random.fill(value);
  return { id: 31 * (random.uint32() & 0xffff) + 27, value };
}

const ALL_SPACES = [Space.INITIAL, Space.HANDSHAKE, Space.APPLICATION];
