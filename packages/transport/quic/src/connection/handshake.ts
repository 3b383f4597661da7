import { Space } from '@quiclab/recovery';
import { MILLISECOND, type Micros, sameAddress } from '@quiclab/sansio';
import { type Handshake, type HandshakeStep, type Level, TlsAlert } from '@quiclab/tls';
import { decodeTransportParameters, FrameType, TransportError, TransportErrorCode, type TransportParameters } from '@quiclab/wire';
import { EARLY } from '../packet/builder.ts';
import { changeVersion } from './negotiation.ts';
import { authenticateIds, checkNotReduced, preferredFor } from './parameters.ts';
import type { Parts } from './parts.ts';
import { repeatAll } from './sent-outcome.ts';
import { stamp } from './versions.ts';

/** Steps of one `advance`; a handshake that yields more is broken. */
const MAX_STEPS = 1_000;

/**
 * The TLS handshake in QUIC: CRYPTO streams in and out, keys as they come, and what is settled when. RFC 9001 §4.
 * What the peer did wrong in TLS becomes CRYPTO_ERROR (§4.8).
 */
export class CryptoHandshake {
  complete: boolean;
  confirmed: boolean;
  alpn: string;
  /** What became of a client's early data, as far as it is known. */
  earlyData: 'none' | 'accepted' | 'rejected';
  #tls: Handshake;
  readonly #newTls: (attempt: number) => Handshake;
  readonly #encodeLocal: (now: Micros) => Uint8Array;
  /** Application packets with lower numbers were 0-RTT that was rejected. */
  rejectedBelow: number;
  /** A client's: what the server said of itself when the session was made that early data hangs on. */
  #remembered: TransportParameters | undefined;
  /** The highest space whose packets TLS has given us keys to open: from there it reads. */
  #reading: Space;

  /**
   * @param newTls       a handshake from its beginning; a client may need a second one
   * @param encodeLocal  our transport parameters; asked once for each
   */
  constructor(newTls: (attempt: number) => Handshake, encodeLocal: (now: Micros) => Uint8Array) {
    this.complete = false;
    this.confirmed = false;
    this.alpn = '';
    this.earlyData = 'none';
    this.rejectedBelow = 0;
    this.#remembered = undefined;
    this.#tls = newTls(1);
    this.#newTls = newTls;
    this.#encodeLocal = encodeLocal;
    this.#reading = Space.INITIAL;
  }

  /** A client's first words. */
  start(now: Micros, parts: Parts): void {
    this.#tls.setLocalParameters(this.#encodeLocal(now));
    this.#advance(now, parts);
  }

  /** A client's early data was for nobody: it will be said again. */
  giveUpEarlyData(now: Micros, parts: Parts): void {
    this.#remembered = undefined;
    if (!parts.spaces[Space.APPLICATION]!.early.canWrite) return;
    this.earlyData = 'rejected';
    this.#rejectEarlyData(now, parts);
  }

  /** A client's first words once more, in another version. RFC 9368 §2.1. */
  restart(now: Micros, parts: Parts): void {
    this.#tls = this.#newTls(2);
    this.start(now, parts);
  }

  /** Hands what has become readable in a space's CRYPTO stream to TLS. */
  onCrypto(now: Micros, parts: Parts, space: Space): void {
    const { crypto, level } = parts.spaces[space]!;
    if (parts.side === 'client') parts.versions.settled = true; // RFC 9369 §4.1: the server sends all handshake data in the version that it chose
    for (let data = crypto.read(); data !== undefined; data = crypto.read()) {
      try {
        this.#tls.receive(now, level, data);
      } catch (error) {
        this.#advance(now, parts); // what went before may have brought keys: to say goodbye with
        throw asTransportError(error);
      }
      this.#advance(now, parts);
    }
    this.#checkLeftOver(parts);
  }

  /** RFC 9001 §4.1.3: where TLS has gone on to the next keys, nothing may be left of what came before, nor come to it. Not even behind a gap. */
  #checkLeftOver({ spaces }: Parts): void {
    for (let index = Space.INITIAL; index < this.#reading; index++) {
      const { crypto, level } = spaces[index]!;
      if (crypto.hasGap)
        throw new TransportError(
          TransportErrorCode.PROTOCOL_VIOLATION,
          `${level} CRYPTO data that TLS has not asked for, and it reads the next level`,
          FrameType.CRYPTO,
        );
    }
  }

  /** RFC 9001 §4.1.2: a client learns it from HANDSHAKE_DONE, a server when the handshake is complete. */
  confirm(now: Micros, parts: Parts): void {
    if (this.confirmed) return;
    this.confirmed = true;
    parts.counters.handshakeConfirmedAt = now;
    this.discard(now, parts, Space.INITIAL);
    this.discard(now, parts, Space.HANDSHAKE); // RFC 9001 §4.9.2
    parts.localIds.forgetOriginalAt(now + 3 * parts.path.probeTimeout);
    const { recovery } = parts.path;
    recovery.handshakeConfirmed = true;
    recovery.peerValidatedAddress = true;
    recovery.updateDeadline(now);
    parts.observer.handshakeState(now, 'confirmed', this.alpn, this.earlyData);
    parts.events.push({ type: 'handshake-confirmed' });
    this.#goToPreferredAddress(parts);
  }

  /** RFC 9000 §9.6.1: a client goes where the server would rather be spoken to, once the handshake is confirmed. */
  #goToPreferredAddress({ side, config, peerParameters, path, paths }: Parts): void {
    const { preferredAddress: preferred } = peerParameters;
    if (side === 'server' || preferred === undefined || !config.usePreferredAddress) return;
    const remote = preferredFor(path.remote, preferred);
    if (remote !== undefined && !sameAddress(remote, path.remote)) paths.migrate(path.local, remote);
  }

  /** Keys of a space go, and with them all that was in flight there. RFC 9001 §4.9, RFC 9002 §6.4. */
  discard(now: Micros, parts: Parts, space: Space): void {
    const { keys, before, crypto, level } = parts.spaces[space]!;
    if (keys.discarded) return;
    keys.discard();
    before?.discard();
    crypto.release();
    parts.path.recovery.discardSpace(now, space);
    parts.observer.keysDiscarded(now, level, -1);
  }

  #advance(now: Micros, parts: Parts): void {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const step = this.#poll(now);
      if (step === undefined) return;
      switch (step.type) {
        case 'send':
          parts.spaces[spaceOf(step.level)]!.crypto.write(step.data);
          if (parts.side === 'server') parts.versions.settled = true; // by a HelloRetryRequest, too, which comes before the client's parameters
          break;
        case 'secret':
          this.#onSecret(now, parts, step);
          break;
        case 'remembered-parameters':
          this.#remembered = decodeTransportParameters(step.data, 'server');
          parts.peerParameters = this.#remembered;
          parts.observer.parametersRestored(now, this.#remembered);
          parts.paths.limitDatagramSize(this.#remembered.maxUdpPayloadSize);
          this.#takeLimits(parts, this.#remembered);
          break;
        case 'early-data':
          this.earlyData = step.accepted ? 'accepted' : 'rejected';
          if (!step.accepted) this.#rejectEarlyData(now, parts);
          break;
        case 'peer-parameters':
          this.#onPeerParameters(now, parts, step.data);
          break;
        case 'session':
          parts.events.push({ type: 'session', data: stamp(parts.versions.current, step.data) });
          break;
        case 'complete':
          this.complete = true;
          parts.counters.handshakeCompletedAt = now;
          if (parts.side === 'server' && !parts.spaces[Space.APPLICATION]!.early.canRead) discardEarly(now, parts);
          this.alpn = step.alpn;
          parts.observer.handshakeState(now, 'complete', step.alpn, this.earlyData);
          parts.events.push({
            type: 'handshake-complete',
            alpn: step.alpn,
            earlyData: this.earlyData === 'rejected' ? 'rejected' : step.earlyData,
          });
          // RFC 9000 §5.1.1: not before the peer can open the packets that carry them
          parts.localIds.onPeerLimit(parts.peerParameters.activeConnectionIdLimit);
          if (parts.side === 'server') {
            parts.handshakeDone.pending = true;
            parts.newToken.give(parts.retry.nextToken(now));
            this.confirm(now, parts);
          }
          break;
      }
    }
    throw new TransportError(TransportErrorCode.INTERNAL_ERROR, 'the handshake takes steps without end');
  }

  #onSecret(now: Micros, parts: Parts, step: Extract<HandshakeStep, { type: 'secret' }>): void {
    const { level, side, suite, secret } = step;
    const index = spaceOf(level);
    const space = parts.spaces[index]!;
    parts.observer.secret(step.label, step.clientRandom, secret);
    if (level === 'early') {
      space.early.install(side, suite, secret);
      parts.observer.keysInstalled(now, level, side, suite);
      return;
    }
    space.keys.install(side, suite, secret);
    parts.observer.keysInstalled(now, level, side, suite);
    if (side === 'read') this.#reading = index;
    // RFC 9001 §4.9.3: with 1-RTT keys a client has no more use for those of 0-RTT
    if (index === Space.APPLICATION && side === 'write' && parts.side === 'client') discardEarly(now, parts);
    if (index !== Space.HANDSHAKE) return;
    parts.path.recovery.hasHandshakeKeys = true;
    parts.path.recovery.updateDeadline(now);
  }

  #takeLimits(parts: Parts, peer: TransportParameters): void {
    parts.credit.send.raise(peer.initialMaxData);
    parts.table.onPeerParameters(peer);
    if (!peer.resetStreamAt) parts.sender.onResetAtRefused();
    parts.sender.onLimits();
  }

  /** What left in 0-RTT packets was never read: a client says all of it again, in 1-RTT. RFC 9001 §4.6.2. */
  #rejectEarlyData(now: Micros, parts: Parts): void {
    discardEarly(now, parts);
    if (parts.side === 'server') return;
    this.rejectedBelow = parts.spaces[Space.APPLICATION]!.nextPacketNumber;
    repeatAll(parts, Space.APPLICATION); // control frames; stream data is rewound
    parts.sender.rewind();
    parts.path.recovery.discardLevel(now, Space.APPLICATION, EARLY);
  }

  #poll(now: Micros): ReturnType<Handshake['poll']> {
    try {
      return this.#tls.poll(now);
    } catch (error) {
      throw asTransportError(error);
    }
  }

  #onPeerParameters(now: Micros, parts: Parts, data: Uint8Array): void {
    const server = parts.side === 'server';
    const peer = decodeTransportParameters(data, server ? 'client' : 'server');
    authenticateIds(
      peer,
      parts.peerIds.ofHandshake,
      server ? undefined : { originalDestination: parts.originalDestination, retrySource: parts.retry.source },
    );
    this.#settleVersion(now, parts, peer);
    if (this.#remembered !== undefined && this.earlyData === 'accepted') checkNotReduced(this.#remembered, peer);
    parts.peerParameters = peer;
    parts.observer.parameters(now, 'remote', peer);
    parts.idle.onPeerTimeout(peer.maxIdleTimeout * MILLISECOND);
    parts.path.recovery.maxAckDelay = peer.maxAckDelay * MILLISECOND;
    parts.ackFrequency.onPeer(peer.minAckDelay, peer.maxAckDelay * MILLISECOND);
    parts.paths.limitDatagramSize(peer.maxUdpPayloadSize);
    this.#takeLimits(parts, peer);
    if (peer.statelessResetToken !== undefined) parts.peerIds.setFirstResetToken(peer.statelessResetToken);
    // RFC 9000 §5.1.1: a preferred address, used or not, brings the connection ID of sequence number 1
    if (peer.preferredAddress !== undefined)
      parts.peerIds.onNew(1, 0, peer.preferredAddress.connectionId, peer.preferredAddress.resetToken);
    parts.quicBit.greased = peer.greaseQuicBit && parts.config.grease;
    if (server) this.#tls.setLocalParameters(this.#encodeLocal(now));
  }

  /** Here a server chooses, and a client sees that it was the server who did. RFC 9368 §2.3, §4. */
  #settleVersion(now: Micros, parts: Parts, peer: TransportParameters): void {
    const { versions, config, observer } = parts;
    if (parts.side === 'client') versions.authenticate(peer.versionInformation);
    else {
      const version = versions.choose(peer.versionInformation, config.preferOwnVersion);
      if (version !== versions.current) changeVersion(parts, version);
    }
    observer.versionNegotiated(now, versions.current, versions.original, peer.versionInformation);
  }
}

/** The keys of 0-RTT packets go, if there are any. RFC 9001 §4.9.3. */
export function discardEarly(now: Micros, parts: Parts): void {
  const { early } = parts.spaces[Space.APPLICATION]!;
  const were = early.canRead || early.canWrite;
  early.discard();
  if (were) parts.observer.keysDiscarded(now, 'early', -1);
}

function spaceOf(level: Level): Space {
  return level === 'initial' ? Space.INITIAL : level === 'handshake' ? Space.HANDSHAKE : Space.APPLICATION;
}

function asTransportError(error: unknown): unknown {
  if (!(error instanceof TlsAlert)) return error;
  const code = error.violatesQuic ? TransportErrorCode.PROTOCOL_VIOLATION : TransportErrorCode.CRYPTO_ERROR + error.alert;
  return new TransportError(code, error.message, FrameType.CRYPTO);
}
