import { type Recovery, type SentRecord, Space } from '@quiclab/recovery';
import { type Address, type Micros, NEVER, type Random } from '@quiclab/sansio';
import { FrameType, PATH_FRAME_SIZE, writePathChallenge, writePathResponse } from '@quiclab/wire';
import type { EndpointOptions, Policies, TransportConfig } from '../config.ts';
import type { Watch } from '../connection/watch.ts';
import type { PeerIds } from '../ids/peer-ids.ts';
import { LIMITS } from '../limits.ts';
import type { PacketBuilder } from '../packet/builder.ts';
import { PathEcn } from './ecn.ts';
import { MtuDiscovery, SMALLEST_MAX_DATAGRAM } from './mtu.ts';
import { LEAST_DATAGRAM, Path } from './path.ts';

const MAX_OTHERS = LIMITS.paths.value;
const MAX_RESPONSES = LIMITS.pathResponses.value;
const MOVES = LIMITS.moves.value;
const BEYOND_WINDOW = LIMITS.pathResponsesBeyondWindow.value;

/** What came of a deadline or a response: the connection goes on elsewhere, or has nowhere to go. */
export type PathOutcome = '' | 'changed' | 'lost';

/** The paths of a connection: the active one, the one before it, and those that are being probed. RFC 9000 §9. */
export class Paths {
  active: Path;
  readonly #side: 'client' | 'server';
  readonly #recovery: Recovery;
  readonly #policies: Policies;
  readonly #config: TransportConfig;
  readonly #random: Random;
  readonly #peerIds: PeerIds;
  readonly #watch: Watch;
  readonly #maxProbeSize: EndpointOptions['maxProbeSize'];
  /** The peer's max_udp_payload_size, once known. */
  #peerLimit: number;
  readonly #others: Path[];
  readonly #responses: { readonly path: Path; readonly data: Uint8Array }[];
  /** A client's: where it goes as soon as that is validated. */
  #target: Path | undefined;
  /** Where the last datagram of an address that we do not know came from: a path, once it turns out to be the peer's. */
  #stranger: Path | undefined;
  #made: number;
  /** How often the peer may still be followed elsewhere, and from when on more often. */
  #moves: number;
  #moreMovesAt: Micros;
  /** Responses that may still leave beyond the congestion window, and from when on there are more. */
  #beyondWindow: number;
  #moreBeyondAt: Micros;
  /** A response waits for that instant, or for the window. */
  #blockedUntil: Micros;

  constructor(
    side: 'client' | 'server',
    local: Address,
    remote: Address,
    recovery: Recovery,
    peerIds: PeerIds,
    policies: Policies,
    config: TransportConfig,
    random: Random,
    watch: Watch,
    maxProbeSize: EndpointOptions['maxProbeSize'],
  ) {
    this.#side = side;
    this.#recovery = recovery;
    this.#policies = policies;
    this.#config = config;
    this.#random = random;
    this.#peerIds = peerIds;
    this.#watch = watch;
    this.#maxProbeSize = maxProbeSize;
    this.#peerLimit = Number.POSITIVE_INFINITY;
    this.#others = [];
    this.#responses = [];
    this.#target = undefined;
    this.#stranger = undefined;
    this.#made = 0;
    this.#moves = MOVES;
    this.#moreMovesAt = 0;
    this.#beyondWindow = BEYOND_WINDOW;
    this.#moreBeyondAt = 0;
    this.#blockedUntil = NEVER;
    this.active = this.#make(local, remote);
    this.active.setActive(true);
    // RFC 9000 §8.1: it is the server that must not be made to send to somebody else
    if (side === 'client') this.active.validate();
  }

  /** All that are kept, the active one first. */
  get all(): readonly Path[] {
    return [this.active, ...this.#others];
  }

  /** The one of this number; undefined when it is no longer kept. */
  byId(id: number): Path | undefined {
    return this.active.id === id ? this.active : this.#others.find((path) => path.id === id);
  }

  /** The peer takes no larger datagrams, wherever it is. RFC 9000 §18.2. */
  limitDatagramSize(octets: number): void {
    this.#peerLimit = octets;
    for (const path of this.all) path.limitDatagramSize(octets);
  }

  /** For `mtuDiscovery`: a packet was acknowledged. */
  onAcked(now: Micros, record: SentRecord): void {
    if (record.space === Space.APPLICATION) this.byId(record.path)?.onAcked(now, record);
  }

  /** The same for one that was lost. */
  onLost(now: Micros, record: SentRecord): void {
    if (record.space === Space.APPLICATION) this.byId(record.path)?.onLost(now, record);
  }

  /** When a validation asks again, or gives up. */
  get deadline(): Micros {
    let deadline = Math.min(this.active.validation.deadline, this.#blockedUntil);
    for (const path of this.#others) deadline = Math.min(deadline, path.validation.deadline);
    return deadline;
  }

  /**
   * The path that a datagram came on. undefined: from where we want nothing; a client hears its server only, and nobody
   * moves before the handshake is confirmed (RFC 9000 §9).
   */
  of(local: Address, remote: Address, confirmed: boolean): Path | undefined {
    if (this.active.is(local, remote)) return this.active;
    const known = this.#others.find((path) => path.is(local, remote));
    if (known !== undefined) return known;
    if (!confirmed || this.#side === 'client') return undefined;
    if (!this.#stranger?.is(local, remote)) this.#stranger = this.#make(local, remote);
    return this.#stranger;
  }

  /** A packet that came on this path is authentic. Anyone can send anything from anywhere, and must not drive other paths out. */
  keep(path: Path): void {
    if (path !== this.#stranger) return;
    this.#stranger = undefined;
    this.#add(path);
  }

  /**
   * A server's peer is elsewhere: a packet that is no mere probe, and newer than all before, came on this path. RFC 9000 §9.3.
   * @param newId  whether it was sent to another connection ID than before: then we use another one, too (§9.5)
   * @returns false: it moves too often; where it is will be seen later, by another packet
   */
  follow(now: Micros, path: Path, newId: boolean): boolean {
    if (now >= this.#moreMovesAt) {
      this.#moves = MOVES;
      this.#moreMovesAt = now + this.active.probeTimeout;
    }
    if (this.#moves === 0) return false;
    this.#moves--;
    if (newId) this.#peerIds.useFresh();
    const before = this.active;
    this.#use(now, path);
    if (!path.validated && !path.validation.running) this.#validate(path);
    // §9.3.3: whoever copied a packet and sent it on from elsewhere must not take the connection away with it
    if (before.validated && !before.validation.running) this.#validate(before);
    return true;
  }

  /**
   * A client moves, as soon as the new path is validated. RFC 9000 §9.2.
   * @returns false: the peer has given us no connection ID to use there (§9.5)
   */
  migrate(local: Address, remote: Address): boolean {
    const peerId = this.#peerIds.reserve();
    if (peerId === undefined) return false;
    if (this.#target !== undefined) this.#drop(this.#target);
    const path = this.#make(local, remote);
    this.#add(path);
    path.peerId = peerId;
    path.validated = true; // a client's own choice of where to send is no amplification
    this.#validate(path);
    this.#target = path;
    return true;
  }

  onChallenge(path: Path, data: Uint8Array): void {
    if (this.#responses.length === MAX_RESPONSES) this.#responses.shift();
    this.#responses.push({ path, data: data.slice() });
  }

  onResponse(now: Micros, data: Uint8Array): PathOutcome {
    for (const path of [this.active, ...this.#others]) {
      if (!path.validation.onResponse(data)) continue;
      path.validate();
      this.#watch.observer.pathValidation(now, path.id, 'succeeded');
      // §8.2.1: now that the address is known to be the peer's, see whether datagrams of full size get there
      if (path.validation.small) this.#validate(path);
      if (path !== this.#target) return '';
      this.#target = undefined;
      this.#peerIds.adopt(path.peerId!);
      path.peerId = undefined;
      this.#use(now, path);
      return 'changed';
    }
    return '';
  }

  onDeadline(now: Micros): PathOutcome {
    if (this.#blockedUntil <= now) this.#blockedUntil = NEVER; // `nextProbe` will see
    for (const path of [...this.#others]) if (path.validation.deadline <= now && path.validation.onDeadline()) this.#fail(now, path);
    const { validation } = this.active;
    if (validation.deadline > now || !validation.onDeadline() || this.active.validated) return '';
    // §9.3.2: back to where the peer was last known to be
    const back = this.#others.find((path) => path.validated && path !== this.#target);
    if (back === undefined) return 'lost';
    const failed = this.active;
    this.#use(now, back);
    this.#fail(now, failed);
    return 'changed';
  }

  /**
   * A path where a challenge, or the answer to one, is to be said: first of all, in a datagram of its own. Challenges are few, and ask for
   * a path when the one in use may be dead with its window full. Answers wait for the window (RFC 9000 §8.2.2), but for a
   * few in each probe timeout: the peer may be about to leave such a path.
   */
  nextProbe(now: Micros): Path | undefined {
    if (this.#responses.length === 0 && !this.active.validation.pending && this.#others.length === 0) return undefined;
    this.#blockedUntil = NEVER;
    const answers = this.#mayAnswer(now);
    for (const path of [this.active, ...this.#others]) {
      const owed = path.validation.pending || (answers && this.#owesResponse(path));
      if (owed && path.amplificationBudget >= LEAST_DATAGRAM) return path;
    }
    return undefined;
  }

  #mayAnswer(now: Micros): boolean {
    if (this.#responses.length === 0) return false;
    if (this.#recovery.windowAllows(SMALLEST_MAX_DATAGRAM)) return true;
    if (now >= this.#moreBeyondAt) {
      this.#beyondWindow = BEYOND_WINDOW;
      this.#moreBeyondAt = now + this.active.probeTimeout;
    }
    if (this.#beyondWindow > 0) return true;
    this.#blockedUntil = this.#moreBeyondAt;
    return false;
  }

  /** Both make the datagram large: §8.2.1, §8.2.2. */
  writeProbe(now: Micros, packet: PacketBuilder, path: Path): void {
    const answers = this.#mayAnswer(now) && this.#owesResponse(path);
    if (answers && !this.#recovery.windowAllows(SMALLEST_MAX_DATAGRAM)) this.#beyondWindow--;
    for (let i = 0; answers && i < this.#responses.length && packet.remaining >= PATH_FRAME_SIZE; ) {
      const response = this.#responses[i]!;
      if (response.path !== path) {
        i++;
        continue;
      }
      this.#responses.splice(i, 1);
      writePathResponse(packet.writer, response.data);
      packet.log(FrameType.PATH_RESPONSE, 0, 0, 0);
    }
    if (!path.validation.pending || packet.remaining < PATH_FRAME_SIZE) return;
    if (path.amplificationBudget < SMALLEST_MAX_DATAGRAM) path.validation.small = true;
    writePathChallenge(packet.writer, path.validation.challenge(now));
    packet.log(FrameType.PATH_CHALLENGE, 0, 0, 0);
  }

  #validate(path: Path): void {
    path.validation.start(this.#interval);
    this.#watch.observer.pathValidation(this.#watch.now, path.id, 'started');
  }

  /** Nobody answered there. */
  #fail(now: Micros, path: Path): void {
    this.#watch.observer.pathValidation(now, path.id, 'failed');
    this.#drop(path);
  }

  #owesResponse(path: Path): boolean {
    return this.#responses.some((one) => one.path === path);
  }

  #use(now: Micros, path: Path): void {
    const before = this.active;
    before.setActive(false);
    const at = this.#others.indexOf(path);
    if (at >= 0) this.#others.splice(at, 1);
    this.#others.push(before);
    this.active = path;
    path.setActive(true);
    // §9.4: another port is most often a NAT's doing, on the same path; another host is another path
    if (path.remote.host === before.remote.host && path.local.host === before.local.host) {
      if (path.datagramSize !== before.datagramSize) this.#recovery.controller.onMaxDatagramSize(path.datagramSize);
      return;
    }
    const facts = { local: path.local, remote: path.remote, maxDatagramSize: path.datagramSize };
    this.#recovery.onPathChange(now, this.#policies.congestion(facts), this.#config.initialRtt);
  }

  #make(local: Address, remote: Address): Path {
    const random = this.#random.at(this.#made);
    // §14.3: each pair of addresses has a size of its own, and begins with that of all
    const mtu = new MtuDiscovery(this.#config.datagramSize, this.#maxProbeSize?.(local, remote) ?? Number.POSITIVE_INFINITY);
    mtu.limit(this.#peerLimit);
    const id = this.#made++;
    const ecn = new PathEcn(id, this.#config.ecn, this.#watch);
    return new Path(id, local, remote, this.#recovery, this.#policies, random, mtu, ecn, this.#watch);
  }

  #add(path: Path): void {
    if (this.#others.length >= MAX_OTHERS)
      this.#drop(this.#others.find((path) => !path.validated && path !== this.#target) ?? this.#others[0]!);
    this.#others.push(path);
    this.#watch.observer.pathAdded(this.#watch.now, path.id, path.local, path.remote);
  }

  #drop(path: Path): void {
    this.#watch.observer.pathRemoved(this.#watch.now, path.id);
    path.validation.stop();
    const at = this.#others.indexOf(path);
    if (at >= 0) this.#others.splice(at, 1);
    for (let i = this.#responses.length - 1; i >= 0; i--) if (this.#responses[i]!.path === path) this.#responses.splice(i, 1);
    if (path.peerId !== undefined) this.#peerIds.giveBack(path.peerId);
    path.peerId = undefined;
    if (path === this.#target) this.#target = undefined;
  }

  /** §8.2.4: three times the larger of this and of the probe timeout of a path that nothing is known about. */
  get #interval(): Micros {
    return Math.max(this.active.probeTimeout, 3 * this.#config.initialRtt);
  }
}
