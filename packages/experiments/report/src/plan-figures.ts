/** What a figure is measured in, in whole numbers: times are microseconds, shares millionths. */
export type FigureUnit = 'µs' | 'octets' | 'octets·µs' | 'bit/s' | 'count' | 'ppm';

export interface FigureDefinition {
  /** As a table heads its column, without the unit. */
  readonly heading: string;
  readonly unit: FigureUnit;
  /** As EXPERIMENTS §4 has it. */
  readonly definition: string;
}

const define = (heading: string, unit: FigureUnit, definition: string): FigureDefinition => ({ heading, unit, definition });

/** Every figure of a run that is one number. Which of them a run has hangs on what it was: a page, a page through a gateway, a bulk transfer, all of them together. */
export const FIGURE_DEFINITIONS = {
  pageLoad: define('page load', 'µs', 'first request issued → last object there'),
  medianCompletion: define('median completion', 'µs', 'of the objects: request issued → last octet readable; the median of them'),
  ttfb: define('TTFB', 'µs', 'request issued → first octet of the response’s header section readable; the median over the objects'),
  completion: define('completion', 'µs', 'of a bulk transfer: connecting began → last octet read'),
  goodput: define(
    'goodput',
    'bit/s',
    'content octets over the time from when requests could be sent first to the last object; of a bulk transfer, from its request to its end',
  ),
  fairness: define(
    'fairness',
    'ppm',
    'Jain’s index over the goodput of all transfers: 1 where all are equal, 1/n where one has all; kept in millionths',
  ),
  blockedOwn: define('blocked: own', 'µs', 'summed over objects: time in which octets of one lay waiting for an octet of its own'),
  blockedOther: define('blocked: others', 'µs', 'summed over objects: time in which octets of one lay waiting for another object’s octet'),
  blockedConnection: define(
    'blocked: connection',
    'µs',
    'summed over objects: time in which octets of one lay waiting for an octet of the connection itself (records, settings)',
  ),
  blockedByteTime: define('blocked octet-time', 'octets·µs', 'summed over octets: deliverable − arrived'),
  connections: define('connections', 'count', 'connections that were opened'),
  handshakes: define('handshakes', 'count', 'handshakes that came to their end'),
  headerOctets: define('headers', 'octets', 'header sections with their frames, requests and responses'),
  repairs: define('repairs', 'count', 'packets from the server with octets that had been sent before'),
  spuriousRepairs: define('repairs in vain', 'count', 'repairs of which every octet arrives in an earlier copy'),
  declaredLost: define('declared lost', 'count', 'packets that their sender took for lost'),
  timeouts: define('probe timeouts', 'count', 'probe timeouts that went off at the sender'),
  persistentCongestions: define('persistent congestion', 'count', 'how often the sender found persistent congestion (RFC 9002 §7.6)'),
  packetsUp: define('packets up', 'count', 'datagrams or segments that entered the links to the server'),
  packetsDown: define('packets down', 'count', 'datagrams or segments that entered the links from the server'),
  lost: define('lost', 'count', 'packets from the server that a loss model took'),
  queueDropped: define('full', 'count', 'packets from the server for which a queue had no room'),
} as const satisfies Readonly<Record<string, FigureDefinition>>;

export type PlanFigure = keyof typeof FIGURE_DEFINITIONS;
export const PLAN_FIGURES = Object.keys(FIGURE_DEFINITIONS) as readonly PlanFigure[];

/** Those that are known of a run: what cannot be known of it is not there. */
export type PlanFigures = { readonly [figure in PlanFigure]?: number };
