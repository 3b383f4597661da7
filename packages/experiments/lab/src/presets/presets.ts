import type { z } from 'zod';
import type { linkSchema } from '../plan/link-schema.ts';

/** What backs a figure: a publication, or nobody but us. */
export interface PresetFigure {
  readonly figure: string;
  /** A key of PRESET_SOURCES; '' for an assumption. */
  readonly source: keyof typeof PRESET_SOURCES | '';
  readonly note: string;
}

type LinkInput = z.input<typeof linkSchema>;

/** A path that people know, as a plan would say it. */
export interface Preset {
  readonly what: string;
  readonly up: LinkInput;
  readonly down: LinkInput;
  readonly figures: readonly PresetFigure[];
}

/** Who measured, or promised, what, and when. */
export const PRESET_SOURCES = {
  webpagetest:
    "NCC Group: Will faster user bandwidth fix your website performance woes? (2013), which lists WebPageTest's profiles with bandwidths and round trips",
  huang2012: 'Huang et al.: A Close Examination of Performance and Power Characteristics of 4G LTE Networks. MobiSys 2012',
  catchpoint2013: 'Daoudi (Catchpoint): Network latency and 4G. Web Performance Calendar 2013',
  huston2022: 'Huston: Testing LEO and GEO satellite services in Australia. APNIC Blog, 2 May 2022',
  michel2022:
    "Michel et al.: A First Look at Starlink Performance. IMC 2022; figures as in their Fact checking Starlink's performance figures. APNIC Blog, 28 November 2022",
  kassem2022: 'Kassem et al.: A browser-side view of Starlink connectivity. IMC 2022',
  mohan2024: 'Mohan et al.: A Multifaceted Look at Starlink Performance. WWW 2024, arXiv:2310.09242',
  netforecast: 'NetForecast, as cited in Valour Consultancy: The importance of low latency in business aviation connectivity',
  engadget2015: "Engadget: We pushed the in-flight WiFi of the future to its limit (12 November 2015), a test flight with Gogo's 2Ku",
  sui2016: 'Sui et al.: Characterizing and Improving WiFi Latency in Large-Scale Operational Networks. MobiSys 2016',
} as const;

const assumed = (figure: string, note: string): PresetFigure => ({ figure, source: '', note });
const by = (source: keyof typeof PRESET_SOURCES, figure: string, note: string): PresetFigure => ({ figure, source, note });

const SLOT = 15;
const SLOTS = 40;
/** One way: around the median, between the quartiles that were measured. */
const STARLINK_DELAYS = ['20ms', '28ms', '24ms', '30ms', '22ms'] as const;
const starlinkSlots = Array.from({ length: SLOTS }, (_, i) => ({
  at: `${1 + SLOT * i}s`,
  delay: STARLINK_DELAYS[i % STARLINK_DELAYS.length]!,
}));
const starlinkGaps = Array.from({ length: 8 }, (_, i) => ({
  model: 'blackout' as const,
  from: `${1_000 + 1_000 * SLOT * i}ms`,
  to: `${1_060 + 1_000 * SLOT * i}ms`,
}));

/** By name. Queues are ours throughout, unless a figure says otherwise: a quarter of a second at the link's rate, or a round trip, and 30 packets at least. */
export const PRESETS = {
  dsl: {
    what: 'a slow DSL line',
    up: { rate: '384kbit', delay: '25ms', queue: '30 packets' },
    down: { rate: '1.5Mbit', delay: '25ms', queue: '30 packets' },
    figures: [
      by('webpagetest', 'rates, round trip', "1.5 Mbit/s down, 384 kbit/s up, 50 ms: a test's profile, not a measurement"),
      assumed('queues', '30 packets'),
      assumed('loss', 'none but that of full queues'),
    ],
  },
  cable: {
    what: 'a cable connection of 2013',
    up: { rate: '1Mbit', delay: '14ms', queue: '30 packets' },
    down: { rate: '5Mbit', delay: '14ms', queue: '100 packets' },
    figures: [
      by('webpagetest', 'rates, round trip', "5 Mbit/s down, 1 Mbit/s up, 28 ms: a test's profile, not a measurement"),
      assumed('queues', '30 packets up, 100 down: a quarter of a second'),
      assumed('loss', 'none but that of full queues'),
    ],
  },
  '3g': {
    what: 'a mobile phone over 3G',
    up: { rate: '768kbit', delay: '150ms', jitter: { normal: '10ms' }, queue: '50 packets' },
    down: { rate: '1.6Mbit', delay: '150ms', jitter: { normal: '10ms' }, queue: '50 packets' },
    figures: [
      by('webpagetest', 'rates, round trip', "1.6 Mbit/s down, 768 kbit/s up, 300 ms: a test's profile, not a measurement"),
      assumed('jitter', 'normal, 10 ms each way'),
      assumed('queues', '50 packets'),
      assumed('loss', 'none but that of full queues: the radio link sends again what it loses'),
    ],
  },
  lte: {
    what: 'a mobile phone over LTE',
    up: { rate: '6Mbit', delay: '27.5ms', jitter: { normal: '5ms' }, queue: '125 packets' },
    down: { rate: '13Mbit', delay: '27.5ms', jitter: { normal: '5ms' }, queue: '270 packets' },
    figures: [
      by('huang2012', 'rates', 'medians of 13 Mbit/s down and 6 Mbit/s up, of more than 3,000 users'),
      by('catchpoint2013', 'round trip', 'median of 55 ms by ping to a nearby server'),
      assumed('jitter', 'normal, 5 ms each way'),
      assumed('queues', 'a quarter of a second'),
      assumed('loss', 'none but that of full queues: the radio link sends again what it loses'),
    ],
  },
  geo: {
    what: 'a geostationary satellite, without a performance enhancing proxy',
    up: { rate: '10Mbit', delay: '300ms', queue: '500 packets' },
    down: { rate: '100Mbit', delay: '300ms', queue: '5000 packets' },
    figures: [
      by('huston2022', 'round trip', 'around 600 ms, of which 477 to 568 ms are the way to the satellite and back, twice'),
      by('michel2022', 'rates', 'what the subscription of the satellite that was compared promised: 100 Mbit/s down, 10 Mbit/s up'),
      assumed('queues', 'a round trip'),
      assumed('loss', 'none but that of full queues'),
    ],
  },
  starlink: {
    what: 'Starlink, with its slots of 15 seconds; the first ends after one second, so that a page meets it',
    up: { rate: '10Mbit', delay: '25ms', queue: '200 packets', schedule: starlinkSlots, loss: starlinkGaps },
    down: { rate: '100Mbit', delay: '25ms', queue: '2000 packets', schedule: starlinkSlots, loss: starlinkGaps },
    figures: [
      by('michel2022', 'round trip', 'median of 50 ms, quartiles of 40 and 60 ms, towards servers in Europe'),
      by('michel2022', 'rate down', '100 Mbit/s: the lower end of what is promoted'),
      by('mohan2024', 'slots', 'links are reconfigured every 15 s, everywhere at once, and delay and throughput change'),
      assumed('delay of a slot', '20 to 30 ms one way, between the quartiles; ten minutes of slots'),
      by('kassem2022', 'loss', 'is frequent and goes with handovers between satellites'),
      assumed('how much is lost', 'everything for 60 ms when a slot ends, in the first two minutes'),
      assumed('rate up, queues', '10 Mbit/s; a quarter of a second'),
    ],
  },
  'in-flight': {
    what: 'an aeroplane over a geostationary satellite',
    up: { rate: '530kbit', delay: '395ms', queue: '50 packets' },
    down: {
      rate: '11.7Mbit',
      delay: '395ms',
      queue: '800 packets',
      loss: { model: 'bursts', share: '3%', mean: '4 packets' },
    },
    figures: [
      by('netforecast', 'round trip', 'around 790 ms over all technologies in use'),
      by('engadget2015', 'rates', '11.71 Mbit/s down, 0.53 Mbit/s up'),
      by('netforecast', 'loss', 'as high as 13%'),
      assumed('how much is lost', '3% down, four packets in a row'),
      assumed('queues', 'half a second and more'),
    ],
  },
  'corporate-wifi': {
    what: 'a busy Wi-Fi of a large organisation, and a server nearby',
    up: {
      rate: '50Mbit',
      delay: '11.5ms',
      jitter: { normal: '4ms' },
      queue: '200 packets',
      loss: { model: 'gilbert-elliott-by-time', meanGood: '2s', meanBad: '20ms' },
    },
    down: {
      rate: '50Mbit',
      delay: '11.5ms',
      jitter: { normal: '4ms' },
      queue: '200 packets',
      loss: { model: 'gilbert-elliott-by-time', meanGood: '2s', meanBad: '20ms' },
    },
    figures: [
      by('sui2016', 'delay of the Wi-Fi hop', 'median of 3 ms, 90th percentile around 20 ms, 99th around 250 ms'),
      assumed('jitter', 'normal, 4 ms each way: the tail that was measured is longer'),
      assumed('loss', 'all of it for 20 ms, every two seconds on average'),
      assumed('rates, queues, way to the server', '50 Mbit/s, 200 packets, 20 ms round trip behind the access point'),
    ],
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];
