/** The path between the two ends: a process in the namespace between theirs. */
import { readFileSync } from 'node:fs';
import type { LinkConfig } from '@quiclab/impair';
import { createRelay, type Relay } from '@quiclab/relay';
import { seededRandom } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';
import { type Links, type PreparedPlan, prepareDocument } from '../plan/prepare.ts';
import { linkConfig } from '../worlds/links.ts';
import { answering } from './child.ts';
import { FlowLog } from './flow-log.ts';
import type { FromRelay, PathAsked, ToRelay } from './messages.ts';
import { RELAY, TUNNEL_OVERHEAD } from './namespaces.ts';

const clock = monotonicClock();
/** A path is quiet when nothing has crossed it for so long: half again Linux's longest delayed ACK. */
const QUIET_MS = 300;
const MOST_DRAIN_MS = 10_000;

let plan: PreparedPlan | undefined;
let relay: Relay | undefined;
let logs = { up: new FlowLog(), down: new FlowLog() };
let dropsBefore = 0;

answering(async (question: ToRelay): Promise<FromRelay> => {
  switch (question.type) {
    case 'plan':
      plan = prepareDocument(question.document);
      return { type: 'planned' };
    case 'open': {
      await relay?.close();
      logs = { up: new FlowLog(), down: new FlowLog() };
      dropsBefore = socketDrops();
      const observers = { observeUp: logs.up, observeDown: logs.down };
      relay = await createRelay({ ...RELAY, ...linksOf(question.path), random: seededRandom(question.seed), clock, ...observers });
      return { type: 'open' };
    }
    case 'drain':
      await quiet();
      return { type: 'drained' };
    case 'close': {
      const { up, down } = await relay!.close();
      relay = undefined;
      const lateness = { up: up.lateness, down: down.lateness };
      const figures = { up: logs.up.figures(), down: logs.down.figures(), flows: logs.down.flows() };
      return { type: 'figures', ...figures, lateness, unread: socketDrops() - dropsBefore };
    }
  }
});

/** What of a link's charge for a datagram is IP's and UDP's header, where nothing else is said: the tunnel's datagrams hold these. */
const USUAL_OVERHEAD = 28;

function linksOf(path: PathAsked | undefined): Links {
  const inTunnel = (link: LinkConfig): LinkConfig => ({
    ...link,
    overhead: (link.overhead ?? USUAL_OVERHEAD) - USUAL_OVERHEAD - TUNNEL_OVERHEAD,
  });
  if (path !== undefined && 'variant' in path) {
    const { up, down } = plan!.variants[path.variant]!.setup.links;
    return { up: inTunnel(up), down: inTunnel(down) };
  }
  const link = inTunnel(path === undefined ? { delay: 0 } : linkConfig(path));
  return { up: link, down: link };
}

/** Waits until nobody has anything more to say. */
async function quiet(): Promise<void> {
  const count = (): number => {
    const { up, down } = relay!.figures();
    return up.datagrams + down.datagrams;
  };
  const until = performance.now() + MOST_DRAIN_MS;
  for (let before = -1, now = count(); now !== before && performance.now() < until; now = count()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

/** Datagrams that the system threw away here, because the relay did not read them in time. No link has seen them. */
function socketDrops(): number {
  const counters = readFileSync('/proc/self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  const column = counters[0]!.indexOf('RcvbufErrors');
  return Number(counters[1]![column]);
}
