import { toHex } from '@quiclab/bytes';
import { type CloseCause, type ConnectionFacts, type DropReason, type EcnState, Observer, type PacketView } from '@quiclab/quic';
import type { Micros } from '@quiclab/sansio';
import { defaultTransportParameters, FrameReader, type TransportParameters, type VersionInformation } from '@quiclab/wire';
import { DIALECTS, type Dialect } from './qlog-dialects.ts';
import { type Data, isRepeated, loggedFrames, readFrames } from './qlog-frames.ts';
import { KeyEvents } from './qlog-keys.ts';
import { RecoveryEvents } from './qlog-recovery.ts';
import {
  type Address,
  closeData,
  DROP_TRIGGERS,
  ECN,
  type Ecn,
  headerOf,
  type Level,
  PACKET_TYPES,
  parametersData,
  restoredData,
  SPACES,
  STREAM_STATES,
  type StreamState,
  tupleHalf,
  tupleId,
  versionText,
  type WriteEvent,
} from './qlog-values.ts';

export interface QlogOptions {
  readonly side: 'client' | 'server';
  /** Destination connection ID of the client's first Initial: what both ends' traces of one connection have in common. */
  readonly originalId: Uint8Array;
  /** Takes the records, each beginning with RS (0x1e) and ending with a line feed (RFC 7464): a file is their concatenation. */
  readonly write: (record: string) => void;
  readonly title?: string;
  /** The instant that the trace counts from, µs. Default 0. The machines' clock is given to no file, so that the same run gives the same bytes. */
  readonly reference?: Micros;
  /** 'current': the drafts. 'qvis': their ancestor (qlog 0.3), which qvis shows. Default 'current'. */
  readonly dialect?: Dialect;
}

/** NEW_CONNECTION_ID frames that are kept, to be shown again should they be lost. */
const ISSUED_KEPT = 32;

/**
 * Writes one connection, seen from one end, as qlog in JSON text sequences (`application/qlog+json-seq`, `.sqlog`).
 * Nothing but what the observer is told goes in: addresses, connection IDs and reset tokens, but no date and no content.
 */
export class QlogObserver extends Observer {
  readonly #side: 'client' | 'server';
  readonly #write: (record: string) => void;
  readonly #reference: Micros;
  readonly #dialect: (typeof DIALECTS)[Dialect];
  readonly #frames = new FrameReader();
  #state = '';
  #handshakeStarted = false;
  #suite = '';
  #versions: readonly number[] = [];
  #alpn: Data[] = [];
  /** ack_delay_exponent of packets that we send, and of those that come. */
  #ownExponent = defaultTransportParameters.ackDelayExponent;
  #peerExponent = defaultTransportParameters.ackDelayExponent;
  readonly #issued = new Map<number, Data>();
  /** Paths on which the peer is known to be, and the one that the connection has gone to without knowing that; -1 for none. */
  readonly #validated = new Set<number>();
  #unproven = -1;
  #datagramLength = 0; // of the one that came last
  readonly #keys: KeyEvents;
  readonly #recovery: RecoveryEvents;

  constructor({ side, originalId, write, title, reference = 0, dialect = 'current' }: QlogOptions) {
    super();
    this.#side = side;
    this.#write = write;
    this.#reference = reference;
    this.#dialect = DIALECTS[dialect];
    const event: WriteEvent = (now, name, data, path, datagram) => this.#event(now, name, data, path, datagram);
    this.#keys = new KeyEvents(side, event);
    this.#recovery = new RecoveryEvents(event);
    this.#record(this.#dialect.header(side, toHex(originalId), title));
  }

  // ---- the connection -----------------------------------------------------------------------------------------------

  override started(now: Micros, facts: ConnectionFacts): void {
    const { side, local, remote, localId, peerId, versions, version } = facts;
    this.#versions = versions;
    this.#alpn = facts.alpn.map((name) => ({ string_value: name }));
    this.#event(now, 'connection_started', { local: tupleHalf(local, localId), remote: tupleHalf(remote, peerId) });
    this.#event(now, 'version_information', { [`${side}_versions`]: versions.map(versionText), chosen_version: versionText(version) });
    if (side === 'client') this.#event(now, 'alpn_information', { client_alpns: this.#alpn });
    this.#event(now, 'recovery_parameters_set', {
      timer_granularity: 1, // RFC 9002 §6.1.2
      initial_rtt: facts.initialRtt / 1_000,
      max_datagram_size: facts.maxDatagramSize,
      initial_congestion_window: facts.initialWindow,
    });
    this.#keys.installed(now, 'initial', 'both');
    this.#connection(now, 'attempted');
    if (facts.addressValidated) this.#connection(now, 'peer_validated');
    if (facts.addressValidated || side === 'client') this.#validated.add(0);
  }

  override versionsOffered(now: Micros, offered: readonly number[], chosen: number): void {
    const server_versions = offered.map(versionText);
    this.#event(now, 'packet_received', { header: { packet_type: 'version_negotiation' }, supported_versions: server_versions });
    this.#event(now, 'version_information', {
      server_versions,
      client_versions: this.#versions.map(versionText),
      chosen_version: chosen === 0 ? undefined : versionText(chosen),
    });
  }

  override versionNegotiated(now: Micros, version: number, original: number, peer: VersionInformation | undefined): void {
    if (peer === undefined && version === original) return;
    const other = this.#side === 'client' ? 'server' : 'client';
    this.#event(now, 'version_information', {
      [`${this.#side}_versions`]: this.#versions.map(versionText),
      [`${other}_versions`]: peer && peer.available.length > 0 ? peer.available.map(versionText) : undefined,
      chosen_version: versionText(version),
    });
  }

  override retryReceived(now: Micros, sourceId: Uint8Array, tokenLength: number, bytes: number): void {
    const header = { packet_type: 'retry', token: { type: 'retry', raw: { length: tokenLength } }, scid: toHex(sourceId) };
    this.#event(now, 'packet_received', { header, raw: { length: bytes } });
  }

  override parameters(now: Micros, owner: 'local' | 'remote', parameters: TransportParameters): void {
    if (owner === 'local') this.#ownExponent = parameters.ackDelayExponent;
    else this.#peerExponent = parameters.ackDelayExponent;
    this.#event(now, 'parameters_set', { initiator: owner, ...parametersData(parameters) });
  }

  override parametersRestored(now: Micros, parameters: TransportParameters): void {
    this.#event(now, 'parameters_restored', restoredData(parameters));
  }

  override handshakeState(now: Micros, state: 'complete' | 'confirmed', alpn: string, earlyData: 'none' | 'accepted' | 'rejected'): void {
    if (state === 'complete') {
      const ours = this.#alpn.length === 0 ? undefined : this.#alpn;
      this.#event(now, 'alpn_information', { [`${this.#side}_alpns`]: ours, chosen_alpn: { string_value: alpn } });
      this.#event(now, 'parameters_set', {
        tls_cipher: this.#suite === '' ? undefined : this.#suite,
        early_data_enabled: earlyData === 'none' ? undefined : earlyData === 'accepted',
      });
    }
    this.#connection(now, `handshake_${state}`);
  }

  override connectionIdChanged(now: Micros, whose: 'local' | 'remote', before: Uint8Array, after: Uint8Array): void {
    this.#event(now, 'connection_id_updated', { initiator: whose, old: toHex(before), new: toHex(after) });
  }

  override ended(now: Micros, state: 'closing' | 'draining' | 'drained', cause: CloseCause): void {
    if (cause.kind === 'stateless-reset') this.#event(now, 'packet_received', { header: { packet_type: 'stateless_reset' } });
    this.#event(now, 'connection_closed', closeData(cause));
    if (state !== 'drained') this.#connection(now, state);
  }

  override closed(now: Micros): void {
    this.#connection(now, 'closed');
  }

  #connection(now: Micros, state: string): void {
    this.#event(now, 'connection_state_updated', { old: this.#state === '' ? undefined : this.#state, new: state });
    this.#state = state;
  }

  // ---- paths ----------------------------------------------------------------------------------------------------------

  override pathAdded(now: Micros, path: number, local: Address, remote: Address): void {
    this.#event(now, 'tuple_assigned', { tuple_id: tupleId(path), tuple_remote: tupleHalf(remote), tuple_local: tupleHalf(local) }, path);
  }

  override pathRemoved(now: Micros, path: number): void {
    this.#validated.delete(path);
    this.#event(now, 'tuple_assigned', { tuple_id: tupleId(path) }, path);
  }

  override pathValidation(now: Micros, path: number, state: 'started' | 'succeeded' | 'failed'): void {
    const handshaking = this.#state === 'attempted' || this.#state === 'handshake_started' || this.#state === 'early_write';
    if (state === 'succeeded') this.#validated.add(path);
    if (handshaking && state === 'succeeded') this.#connection(now, 'peer_validated');
    else this.#migration(now, PROBING[state], path);
    if (path !== this.#unproven || state === 'started') return;
    this.#migration(now, state === 'succeeded' ? 'migration_complete' : 'migration_abandoned', path);
    this.#unproven = -1;
  }

  override pathChanged(now: Micros, path: number, local: Address, remote: Address): void {
    const proven = this.#validated.has(path);
    this.#unproven = proven ? -1 : path;
    const where = { tuple_remote: tupleHalf(remote), tuple_local: tupleHalf(local) };
    this.#migration(now, proven ? 'migration_complete' : 'migration_started', path, where);
  }

  override mtuUpdated(now: Micros, path: number, before: number, after: number, done: boolean): void {
    this.#event(now, 'mtu_updated', { old: before, new: after, done: done || undefined }, path);
  }

  /** The draft knows the states of RFC 9000 Appendix A.4; of a path where nothing can be marked it has nothing to say. */
  override ecnState(now: Micros, path: number, from: EcnState | '', to: EcnState): void {
    if (to !== 'disabled' && to !== 'unsupported')
      this.#event(now, 'ecn_state_updated', { old: from === '' ? undefined : from, new: to }, path);
  }

  #migration(now: Micros, state: string, path: number, where: Data = {}): void {
    this.#event(now, 'migration_state_updated', { new: state, tuple_id: tupleId(path), ...where }, path);
  }

  // ---- keys -----------------------------------------------------------------------------------------------------------

  override keysInstalled(now: Micros, level: Level, direction: 'read' | 'write', suite: string): void {
    this.#suite = suite.replace(/^TLS_/, '');
    this.#keys.installed(now, level, direction);
    if (this.#side === 'server' && level === 'application' && direction === 'write') this.#connection(now, 'early_write');
  }

  override keysDiscarded(now: Micros, level: Level, phase: number): void {
    this.#keys.discarded(now, level, phase);
  }

  override keyUpdated(now: Micros, by: 'local' | 'peer', _phase: number, generation: number): void {
    this.#keys.updated(now, by, generation);
  }

  // ---- packets and datagrams ------------------------------------------------------------------------------------------

  override datagramSent(now: Micros, datagram: number, path: number, length: number, ecn: Ecn): void {
    this.#event(now, 'udp_datagrams_sent', { count: 1, raw: [{ length }], ecn: ECN[ecn] && [ECN[ecn]] }, path, datagram);
  }

  override datagramReceived(now: Micros, datagram: number, path: number, length: number, ecn: Ecn): void {
    this.#datagramLength = length;
    this.#event(now, 'udp_datagrams_received', { count: 1, raw: [{ length }], ecn: ECN[ecn] && [ECN[ecn]] }, path, datagram);
  }

  override packetSent(now: Micros, packet: PacketView): void {
    const frames = this.#framesOf(packet, this.#ownExponent);
    for (const frame of frames) if (frame.frame_type === 'new_connection_id') this.#keepIssued(frame);
    this.#noteHandshake(now, packet);
    const data = {
      header: header(packet),
      frames,
      raw: raw(packet),
      trigger: packet.probe ? 'pto_probe' : undefined,
      is_mtu_probe_packet: packet.mtuProbe || undefined,
    };
    this.#event(now, 'packet_sent', data, packet.path, packet.datagram);
  }

  override packetReceived(now: Micros, packet: PacketView): void {
    this.#noteHandshake(now, packet);
    const frames = this.#framesOf(packet, this.#peerExponent);
    const data = { header: header(packet), frames, raw: raw(packet), trigger: packet.waited ? 'keys_available' : undefined };
    this.#event(now, 'packet_received', data, packet.path, packet.datagram);
  }

  override packetLost(now: Micros, packet: PacketView, by: 'packets' | 'time'): void {
    const trigger = by === 'packets' ? 'reordering_threshold' : 'time_threshold';
    const frames = loggedFrames(packet.frames, this.#issued);
    this.#event(
      now,
      'packet_lost',
      { header: header(packet), frames, is_mtu_probe_packet: packet.mtuProbe || undefined, trigger },
      packet.path,
      packet.datagram,
    );
    const repeated = frames.filter(isRepeated);
    if (repeated.length > 0) this.#event(now, 'marked_for_retransmit', { frames: repeated }, packet.path);
  }

  override packetsAcked(now: Micros, level: Level, packetNumbers: readonly number[]): void {
    this.#event(now, 'packets_acked', { packet_number_space: SPACES[level], packet_numbers: packetNumbers });
  }

  override packetDropped(now: Micros, reason: DropReason, bytes: number, type: number): void {
    const datagram = { raw: { length: bytes } };
    if (reason === 'header' && type < 0 && bytes === this.#datagramLength) this.#event(now, 'udp_datagram_dropped', datagram);
    else this.#event(now, 'packet_dropped', { header: headerOf(type), ...datagram, details: { reason }, trigger: DROP_TRIGGERS[reason] });
  }

  override packetBuffered(now: Micros, type: number, bytes: number): void {
    this.#event(now, 'packet_buffered', { header: headerOf(type), raw: { length: bytes }, trigger: 'keys_unavailable' });
  }

  /** Only 1-RTT packets have ACK delays of the exponent that was agreed on: RFC 9000 §18.2. */
  #framesOf({ level, payload, payloadStart, payloadEnd }: PacketView, exponent: number): Data[] {
    this.#frames.reset(payload, payloadStart, payloadEnd);
    return readFrames(this.#frames, level === 'application' ? exponent : defaultTransportParameters.ackDelayExponent);
  }

  #noteHandshake(now: Micros, { level }: PacketView): void {
    if (level !== 'handshake' || this.#handshakeStarted) return;
    this.#handshakeStarted = true;
    this.#connection(now, 'handshake_started');
  }

  #keepIssued(frame: Data): void {
    const sequence = frame.sequence_number as number;
    this.#issued.set(sequence, frame);
    this.#issued.delete(sequence - ISSUED_KEPT);
  }

  // ---- streams and datagrams ------------------------------------------------------------------------------------------

  override streamState(now: Micros, id: number, part: 'sending' | 'receiving', from: StreamState | '', to: StreamState): void {
    this.#event(now, 'stream_state_updated', {
      stream_id: id,
      stream_type: (id & 2) === 0 ? 'bidirectional' : 'unidirectional',
      old: from === '' ? undefined : STREAM_STATES[from],
      new: STREAM_STATES[to],
      stream_side: part,
    });
  }

  override streamWritten(now: Micros, id: number, offset: number, length: number, fin: boolean): void {
    this.#moved(now, id, offset, length, 'application', 'transport', fin);
  }

  override streamRead(now: Micros, id: number, offset: number, length: number): void {
    this.#moved(now, id, offset, length, 'transport', 'application', false);
  }

  #moved(now: Micros, id: number, offset: number, length: number, from: string, to: string, fin: boolean): void {
    const additional_info = fin ? 'fin_set' : undefined;
    this.#event(now, 'stream_data_moved', { stream_id: id, offset, from, to, additional_info, raw: { length } });
  }

  override datagramMoved(now: Micros, to: 'transport' | 'application', length: number): void {
    this.#event(now, 'datagram_data_moved', { from: to === 'transport' ? 'application' : 'transport', to, raw: { length } });
  }

  // ---- recovery -------------------------------------------------------------------------------------------------------

  override recoveryUpdated(...told: Parameters<Observer['recoveryUpdated']>): void {
    this.#recovery.updated(...told);
  }

  override timerSet(now: Micros, kind: 'loss' | 'probe', level: Level, deadline: Micros): void {
    this.#recovery.timerSet(now, kind, level, deadline);
  }

  override lossTimeout(now: Micros, level: Level): void {
    this.#recovery.timerExpired(now, 'loss', level);
  }

  override probeTimeout(now: Micros, level: Level, _ptoCount: number): void {
    this.#recovery.timerExpired(now, 'probe', level);
  }

  // ---- records --------------------------------------------------------------------------------------------------------

  /** @param datagram  the nth that was sent (or received): ours, beside what the draft has, so that packets of one datagram are known */
  #event(now: Micros, name: string, data: Data, path = 0, datagram?: number): void {
    const record = this.#dialect.event((now - this.#reference) / 1_000, name, data, tupleId(path), datagram);
    if (record !== undefined) this.#record(record);
  }

  #record(value: Data): void {
    this.#write(`\u001e${JSON.stringify(value)}\n`);
  }
}

const PROBING = { started: 'probing_started', succeeded: 'probing_successful', failed: 'probing_abandoned' } as const;

const header = ({ level, packetNumber, version, keyPhase, tokenLength }: PacketView): Data => ({
  packet_type: PACKET_TYPES[level],
  packet_number: packetNumber,
  key_phase: keyPhase >= 0 ? keyPhase : undefined,
  version: version > 0 ? versionText(version) : undefined,
  token: tokenLength > 0 ? { raw: { length: tokenLength } } : undefined,
});

const raw = ({ bytes, payloadStart, payloadEnd }: PacketView): Data => ({ length: bytes, payload_length: payloadEnd - payloadStart });
