import { z } from 'zod';
import { unknownName } from './nearest.ts';
import { duration, file, packets, rate, room, share, size, whole } from './quantities.ts';

/** An object that has these keys and no other; a key that it does not have is held against those that it has. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape, what: string) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys as string[]).map((key) => unknownName(key, `a key of ${what}`, Object.keys(shape))).join('\n')
        : issue.code === 'invalid_type'
          ? `must be ${what}: keys with values`
          : undefined,
  });
}

/** Never more than so many in a row, as the interop simulator's drop-rate. */
const most = whole(1).optional();

/** What a link loses. */
const LOSSES = {
  bernoulli: strict({ model: z.literal('bernoulli'), share, most }, 'bernoulli loss'),
  bursts: strict(
    { model: z.literal('bursts'), share, mean: packets.meta({ description: 'lost in a row, on average' }), most },
    'loss in bursts',
  ),
  'gilbert-elliott': strict(
    {
      model: z.literal('gilbert-elliott'),
      toBad: share.meta({ description: 'chance that a packet finds the link gone bad since the one before' }),
      toGood: share.meta({ description: 'chance that it finds it good again' }),
      lossInBad: share.optional(),
      lossInGood: share.optional(),
      most,
    },
    'Gilbert-Elliott loss by packet',
  ),
  'gilbert-elliott-by-time': strict(
    {
      model: z.literal('gilbert-elliott-by-time'),
      meanGood: duration.meta({ description: 'mean length of a good period' }),
      meanBad: duration.meta({ description: 'mean length of a bad period' }),
      lossInBad: share.optional(),
      lossInGood: share.optional(),
      most,
    },
    'Gilbert-Elliott loss by time',
  ),
  list: strict(
    {
      model: z.literal('list'),
      drop: z
        .array(whole(1))
        .min(1)
        .meta({ description: 'the nth datagrams that enter the link, from 1, those of the handshake included' }),
    },
    'a list of losses',
  ),
  trace: strict(
    { model: z.literal('trace'), file: file.meta({ description: 'numbers of the datagrams that are lost, from 1, one a line' }) },
    'recorded losses',
  ),
  blackout: strict({ model: z.literal('blackout'), from: duration, to: duration }, 'a blackout'),
} as const;
const MODELS = Object.values(LOSSES) as unknown as (typeof LOSSES)[keyof typeof LOSSES][];

const lossModel = z.discriminatedUnion('model', MODELS as [(typeof MODELS)[number], ...typeof MODELS], {
  error: (issue) => {
    if (issue.code !== 'invalid_union') return 'must be a share like 1%, none, or a loss model';
    const { model } = (issue.input ?? {}) as { readonly model?: unknown };
    return model === undefined
      ? `has no model; there are ${Object.keys(LOSSES).join(', ')}`
      : unknownName(String(model), 'a loss model', Object.keys(LOSSES));
  },
});
const lossTrace = strict({ trace: file }, 'recorded losses').meta({
  description: "numbers of the datagrams that were lost, from 1, one a line; CSV with number and 0 or 1; or a sender's qlog",
});
const oneLoss = z.union([z.literal('none'), share, lossTrace, lossModel]);

const jitter = z.union([
  duration,
  strict({ uniform: duration.optional(), normal: duration.optional(), trace: file.optional(), reorders: z.boolean().optional() }, 'jitter'),
]);

const changes = strict(
  { at: duration, rate: rate.optional(), delay: duration.optional(), mtu: whole(29, 65_535).optional() },
  'a scheduled change',
);

/** One direction of a path. EXPERIMENTS §2; what each is: `@quiclab/impair`. */
export const linkSchema = strict(
  {
    rate: z
      .union([rate, strict({ trace: file }, 'a recorded rate')])
      .optional()
      .meta({ description: 'of the link; none, or not said: no limit. { trace: FILE } is a Mahimahi trace' }),
    delay: duration.optional().meta({ description: 'one way' }),
    jitter: jitter.optional().meta({ description: 'delay ± up to so much, in order' }),
    queue: z
      .union([
        room,
        strict(
          {
            codel: strict(
              {
                target: duration.optional(),
                interval: duration.optional(),
                packets: packets.optional(),
                ecn: z.boolean().optional(),
                maxPacket: size.optional(),
              },
              'CoDel',
            ),
          },
          'a queue',
        ),
      ])
      .optional()
      .meta({ description: 'what may wait for the rate, besides the packet being sent; 1,000 packets unless told' }),
    loss: z
      .union([oneLoss, z.array(oneLoss).max(16)])
      .optional()
      .meta({ description: 'what is lost, judged when a packet leaves' }),
    reorder: strict({ share: share.optional(), every: whole(1).optional(), by: duration }, 'reordering')
      .optional()
      .meta({ description: 'holds a share of the packets, or every nth, back for so long that others overtake' }),
    duplicate: share.optional().meta({ description: 'arrives twice' }),
    corrupt: share.optional().meta({ description: 'has one bit flipped' }),
    mtu: whole(29, 65_535).optional().meta({ description: 'octets; larger IP packets are dropped' }),
    ecn: strict(
      {
        mark: packets.optional().meta({ description: 'packets of ECN-capable transports are marked when at least so many wait' }),
        bleach: share.optional().meta({ description: 'a share of the packets has its ECN bits cleared' }),
        dropMarked: z.boolean().optional().meta({ description: 'packets that have ECN bits are lost' }),
      },
      'ecn',
    ).optional(),
    judged: z
      .enum(['leaving', 'entering'], { error: 'must be leaving or entering' })
      .optional()
      .meta({ description: 'whether a lost packet has used the queue and the rate' }),
    overhead: z
      .int()
      .min(-100)
      .max(100)
      .optional()
      .meta({ description: 'octets that a datagram takes besides its payload; 28 unless told' }),
    schedule: z.array(changes).max(10_000).optional().meta({ description: 'steps, at instants counted from the start' }),
  },
  'a link',
);
export type LinkDraft = z.output<typeof linkSchema>;
export type LossDraft = z.output<typeof oneLoss>;
