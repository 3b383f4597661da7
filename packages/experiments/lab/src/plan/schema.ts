import { PLAN_FIGURES, type PlanFigure } from '@quiclab/report';
import { z } from 'zod';
import { CONTROLLER_SYNTAX, parseController } from '../flows/controllers.ts';
import { MODEL_IDS, type ModelName, modelOf } from '../models/model.ts';
import { PRESET_NAMES } from '../presets/presets.ts';
import { linkSchema, strict } from './link-schema.ts';
import { unknownName } from './nearest.ts';
import { duration, file, share, size, whole } from './quantities.ts';
import { SCHEDULERS } from './schedulers.ts';

// What a plan may say. The same schema reads YAML and TypeScript, and is published as JSON Schema (plan.schema.json).

const NUMBERED = '^(h1-short|h1-parallel|h1-sharded):[1-9]\\d?$';

/** 'h3', 'h1-short:4'. */
const model = z
  .string({ error: 'must be the name of a model' })
  .transform((name, context): ModelName => {
    try {
      return modelOf(name).name as ModelName;
    } catch (problem) {
      const id = name.split(':')[0]!;
      const known = (MODEL_IDS as readonly string[]).includes(id);
      context.addIssue({ code: 'custom', message: known ? (problem as Error).message : unknownName(name, 'a model', MODEL_IDS) });
      return z.NEVER;
    }
  })
  .meta({ anyOf: [{ enum: MODEL_IDS }, { pattern: NUMBERED }] });

const controller = z
  .string({ error: 'must be the name of a controller' })
  .superRefine((name, context) => {
    try {
      parseController(name);
    } catch (problem) {
      context.addIssue({ code: 'custom', message: (problem as Error).message });
    }
  })
  .meta({ description: CONTROLLER_SYNTAX, examples: ['cubic', 'newReno', 'cubic:no-prr', 'fixed:64KB'] });

const named = <const Names extends readonly [string, ...string[]]>(names: Names, what: string) =>
  z.enum(names, { error: ({ input }) => unknownName(String(input), what, names) });

const links = {
  preset: named(PRESET_NAMES, 'a preset')
    .optional()
    .meta({ description: 'a path that people know (quiclab presets): what it says holds where the links here say nothing else' }),
  both: linkSchema.optional().meta({ description: 'each direction, where it says nothing else' }),
  up: linkSchema.optional().meta({ description: 'to the server' }),
  down: linkSchema.optional().meta({ description: 'from the server' }),
};

export const BUILT_IN_PAGES = ['median', 'small'] as const;

const pageName = z
  .string({ error: 'must be a page: median, small, or a file' })
  .superRefine((name, context) => {
    if (!(BUILT_IN_PAGES as readonly string[]).includes(name) && !name.endsWith('.json'))
      context.addIssue({
        code: 'custom',
        message: `${unknownName(name, 'a page', BUILT_IN_PAGES)} (a page of your own is a file that ends with .json)`,
      });
  })
  .meta({ anyOf: [{ enum: [...BUILT_IN_PAGES] }, { pattern: '\\.json$' }] });

const generated = strict(
  {
    objects: whole(1, 10_000).optional(),
    smallest: size.optional(),
    largest: size.optional(),
    depth: whole(0, 1_000).optional(),
    hosts: whole(1, 100).optional(),
    maxServerTime: duration.optional(),
    seed: whole(0).optional(),
  },
  'a generated page',
);

const WORKLOADS = {
  page: strict({ page: pageName }, 'a page'),
  generate: strict({ generate: generated }, 'a workload'),
  files: strict({ files: strict({ count: whole(1, 10_000), size }, 'files') }, 'a workload').meta({
    description: 'so many objects of that size, all asked for at once',
  }),
  har: strict({ har: file }, 'a workload').meta({ description: 'a page as a browser exported it' }),
  flows: strict(
    {
      flows: z.array(controller).min(1).max(16),
      size: size.optional(),
      time: duration.optional(),
      stagger: duration.optional(),
    },
    'bulk transfers',
  ).meta({ description: 'bulk transfers beside each other over one path, each with a congestion controller' }),
} as const;

function workloadProblem(input: unknown): string {
  const kinds = Object.keys(WORKLOADS);
  const keys = typeof input === 'object' && input !== null ? Object.keys(input) : [];
  const other = keys.find((key) => !kinds.includes(key));
  return other === undefined ? `must be a page, or have one of ${kinds.join(', ')}` : unknownName(other, 'a workload', kinds);
}

const workload = z
  .union([pageName, ...Object.values(WORKLOADS)] as [typeof pageName, ...(typeof WORKLOADS)[keyof typeof WORKLOADS][]], {
    error: ({ input }) => workloadProblem(input),
  })
  .meta({ description: 'what is fetched: median, small, a page as a JSON file, a generated one, or bulk transfers' });

const figureNames = PLAN_FIGURES as readonly [PlanFigure, ...PlanFigure[]];

const shape = {
  $schema: z.string().optional(),
  question: z.string({ error: 'must be a text' }).min(1).max(300).meta({ description: 'what the plan is to answer' }),
  workload,
  topology: strict(
    {
      ...links,
      nameLookup: duration.optional().meta({ description: "what it takes to look a host's name up" }),
      gateway: strict(
        { model: model.meta({ description: 'how the gateway manages its connections to the origin' }), ...links },
        'a gateway',
      )
        .optional()
        .meta({ description: 'a second hop: its links are those between the gateway and the origin' }),
    },
    'a topology',
  ).meta({ description: 'the path, as a link for each direction' }),
  models: z.array(model).min(1).max(100).optional().meta({ description: 'ways of managing HTTP connections' }),
  profile: named(['default', 'parity'], 'a profile')
    .optional()
    .meta({ description: 'how the ends are set up: as they are in practice, or so that nothing differs but the order of octets' }),
  controller: controller.optional(),
  scheduler: named(Object.keys(SCHEDULERS) as [string, ...string[]], 'a scheduler')
    .optional()
    .meta({ description: 'whose octets the server sends next' }),
  vary: z.record(z.string(), z.array(z.unknown()).min(1).max(1_000)).optional().meta({
    description:
      'key paths of this plan with the values that they take in turn, all crossed: topology.down.loss: [0%, 1%]; a long value may be { label: TEXT, value: VALUE }',
  }),
  repeats: z
    .union([whole(1, 1_000_000), z.literal('auto'), strict({ precision: share, most: whole(1, 100_000).optional() }, 'repeats')], {
      error: 'must be a whole number, auto, or { precision: 5% }',
    })
    .optional()
    .meta({ description: 'seeds; auto: as many as the measured variation asks for' }),
  firstSeed: whole(0).optional(),
  reference: z
    .union([z.string(), z.record(z.string(), z.unknown())], {
      error: 'must be the name of a model, or keys that are varied with one of their values',
    })
    .optional()
    .meta({ description: 'what the others are compared with, by the same seeds: a model, or { KEY: VALUE } of what is varied' }),
  outputs: strict(
    {
      figures: z.array(named(figureNames, 'a figure')).min(1).optional().meta({ description: 'what the table shows, with intervals' }),
      influence: whole(1, 200)
        .optional()
        .meta({ description: 'influence matrices on the page: so many packets from the server are dropped, one by one, under each model' }),
      csv: z.boolean().optional().meta({ description: 'write runs.csv, too' }),
    },
    'outputs',
  ).optional(),
};

/** A plan with one value for each key: what one variant of a plan says. */
export const planSchema = strict(shape, 'a plan').superRefine((plan, context) => {
  const { workload: what, models, topology } = plan;
  const flows = typeof what === 'object' && 'flows' in what;
  const say = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
  if (flows) {
    for (const key of ['models', 'profile', 'controller', 'scheduler'] as const)
      if (plan[key] !== undefined) say([key], 'does not go with bulk transfers, which are QUIC streams with a controller each');
    if (plan.outputs?.influence !== undefined)
      say(['outputs', 'influence'], 'does not go with bulk transfers: each is alone on its connection');
    if (topology.gateway !== undefined) say(['topology', 'gateway'], 'does not go with bulk transfers');
    if (what.size !== undefined && what.time !== undefined) say(['workload', 'time'], 'and size: a transfer ends by one of the two');
    if (what.time === 0 || what.size === 0) say(['workload', what.time === 0 ? 'time' : 'size'], 'is nothing');
  } else if (models === undefined) say(['models'], 'is missing: which ways of managing connections are to be compared?');
  else for (const [i, name] of models.entries()) if (models.indexOf(name) < i) say(['models', i], `has '${name}' twice`);
  if (topology.gateway !== undefined) {
    if (plan.outputs?.influence !== undefined)
      say(['outputs', 'influence'], 'does not go with a gateway: no account is kept of what goes through it');
    if (plan.controller !== undefined) say(['controller'], 'does not go with a gateway yet');
    if (topology.nameLookup !== undefined) say(['topology', 'nameLookup'], 'does not go with a gateway yet');
    if (topology.gateway.model === 'h3-0rtt') say(['topology', 'gateway', 'model'], 'does not go with a gateway yet');
    for (const [i, name] of (models ?? []).entries()) if (name === 'h3-0rtt') say(['models', i], 'does not go with a gateway yet');
  }
  for (const [where, hop] of [
    [['topology'], topology],
    ...(topology.gateway ? [[['topology', 'gateway'], topology.gateway] as const] : []),
  ] as const)
    for (const direction of ['up', 'down'] as const)
      if (hop.preset === undefined && hop[direction]?.delay === undefined && hop.both?.delay === undefined) {
        say([...where], `has no delay ${direction}: say both: { delay: 25ms }, preset: lte, or ${direction}: { delay: 25ms }`);
        break;
      }
});

/** What people write. */
export type PlanInput = z.input<typeof planSchema>;
/** What it comes to: whole microseconds, octets, bit/s. */
export type PlanDraft = z.output<typeof planSchema>;

/** For plans in TypeScript: `export default definePlan({ … })`. Checked when it is loaded. */
export const definePlan = (plan: PlanInput): PlanInput => plan;
