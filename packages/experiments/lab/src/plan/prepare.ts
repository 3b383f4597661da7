import type { LinkConfig } from '@quiclab/impair';
import type { PlanDocument, PlanFigure, PlanVariable, PlanVariant } from '@quiclab/report';
import { type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { filesWorkload, generatePage, medianPage, type Page, PageError, parsePage, smallPage } from '@quiclab/workload';
import { type FlowPolicy, parseController } from '../flows/controllers.ts';
import type { ModelName } from '../models/model.ts';
import { type EndNames, type Ends, endsOf } from './ends.ts';
import { harPage } from './har-page.ts';
import { type FileReader, type HopDraft, linkOf } from './links.ts';
import { type Finding, findings, type KeyPath, Places, PlanError } from './problems.ts';
import { type PlanDraft, planSchema } from './schema.ts';
import { type Combination, combinations, labelOf, type Reference, referenceOf, type Variable, variablesOf } from './variants.ts';

/** What one variant comes to: all that a run needs but its model and its seed. */
export interface VariantSetup {
  readonly load: PageLoad | BulkLoad;
  readonly links: Links;
  readonly gateway: { readonly model: ModelName; readonly links: Links } | undefined;
}
export interface Links {
  readonly up: LinkConfig;
  readonly down: LinkConfig;
}

export interface PageLoad extends Ends {
  readonly kind: 'page';
  readonly page: Page;
  readonly models: readonly ModelName[];
  readonly nameLookup: Micros;
  /** What profile and controller were made from: for another process. */
  readonly names: EndNames;
}

export interface BulkLoad {
  readonly kind: 'flows';
  readonly flows: readonly FlowPolicy[];
  /** As results call them: 'cubic', 'cubic 2'. */
  readonly names: readonly string[];
  readonly octets: number;
  readonly until: Micros;
  readonly stagger: Micros;
}

/** How many seeds. `auto`: as many as it takes to know the median of the first figure to ± so much. */
export type Repeats =
  | { readonly kind: 'fixed'; readonly seeds: number }
  | { readonly kind: 'auto'; readonly precision: number; readonly most: number };

/** A plan that can be run. */
export interface PreparedPlan {
  readonly document: PlanDocument;
  readonly question: string;
  readonly variables: readonly PlanVariable[];
  readonly variants: readonly (PlanVariant & { readonly choices: readonly number[]; readonly setup: VariantSetup })[];
  readonly repeats: Repeats;
  readonly firstSeed: number;
  readonly reference: Reference;
  /** What the table shows. */
  readonly figures: readonly PlanFigure[];
  readonly csv: boolean;
  /** For influence matrices: so many packets are dropped in turn under each model; 0: none. */
  readonly influence: number;
  /** What is to be said before it runs: what became of the entries of HAR files. */
  readonly remarks: readonly string[];
}

/** So many runs are made without asking. */
export const MOST_RUNS = 20_000;
const MOST_VARIANTS = 10_000;
const USUAL_REPEATS = 20;
const AUTO = { precision: 0.05, most: 400 };
const MOST_TIME = 3_600 * SECOND;

export interface PrepareOptions {
  /** What the user called the plan, for errors. */
  readonly source: string;
  readonly places?: Places;
}

/**
 * Checks a plan with all its variants, and makes of it what runs need.
 * @param raw   as it was written
 * @param read  the content of a file that it names; throws an Error where there is none
 * @throws PlanError with every problem of the first variant that has one
 */
export function preparePlan(raw: unknown, read: FileReader, { source, places = new Places() }: PrepareOptions): PreparedPlan {
  const fail = (found: readonly Finding[]): never => {
    throw new PlanError(
      source,
      found.map((finding) => places.problem(finding)),
    );
  };
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return fail([{ path: [], atKey: false, message: raw === null || raw === undefined ? 'is empty' : 'must be keys with values' }]);
  const plan = raw as Readonly<Record<string, unknown>>;
  const found: Finding[] = [];
  const variables = variablesOf(plan, found);
  const count = variables.reduce((product, { values }) => product * values.length, 1);
  if (count > MOST_VARIANTS)
    found.push({ path: ['vary'], atKey: false, message: `makes ${count} combinations; ${MOST_VARIANTS} are the most` });
  if (found.length > 0) fail(found);

  const files: Record<string, string> = {};
  const reading: FileReader = (name, reduce = (text) => text) => (files[name] ??= reduce(read(name)));
  const pages = new Map<string, Page>();
  const variants: PreparedPlan['variants'][number][] = [];
  const hars = new Set<string>();
  let first: PlanDraft | undefined;
  let subjects: readonly string[] = [];
  for (const combination of combinations(plan, variables)) {
    const parsed = planSchema.safeParse(combination.plan);
    if (!parsed.success) fail(findings(parsed.error.issues, combination.plan).map((finding) => inVary(finding, combination, variables)));
    const draft = parsed.data!;
    const setup = setupOf(draft, reading, pages, (finding) => fail([inVary(finding, combination, variables)]));
    if (typeof draft.workload === 'object' && 'har' in draft.workload) hars.add(draft.workload.har);
    const own = setup.load.kind === 'page' ? setup.load.models : setup.load.names;
    if (first === undefined) {
      first = draft;
      subjects = own;
    } else subjects = subjects.filter((name) => own.includes(name as ModelName));
    variants.push({
      values: Object.fromEntries(variables.map(({ key, labels }, i) => [key, labels[combination.choices[i]!]!])),
      workload: workloadText(setup.load),
      path: labelOf(combination.plan.topology).replace(/, (both|up|down|gateway): /g, '; $1: '),
      choices: combination.choices,
      setup,
    });
  }
  const reference = referenceOf(plan, variables, subjects, found);
  if (found.length > 0) fail(found);
  const { repeats = USUAL_REPEATS, firstSeed = 1, outputs } = first!;
  return {
    document: { plan, files },
    question: first!.question,
    variables: variables.map(({ key, labels }) => ({ key, values: labels })),
    variants,
    repeats:
      typeof repeats === 'number'
        ? { kind: 'fixed', seeds: repeats }
        : repeats === 'auto'
          ? { kind: 'auto', ...AUTO }
          : { kind: 'auto', precision: repeats.precision, most: repeats.most ?? AUTO.most },
    firstSeed,
    reference,
    figures: outputs?.figures ?? (variants[0]!.setup.load.kind === 'page' ? ['pageLoad', 'medianCompletion'] : ['completion', 'goodput']),
    csv: outputs?.csv ?? false,
    influence: outputs?.influence ?? 0,
    remarks: [...hars].flatMap((name) => harPage(name, reading).remarks),
  };
}

/** A plan that a result, or whoever started this process, has: with the files that it names. */
export function prepareDocument({ plan, files }: PlanDocument, source = 'the plan'): PreparedPlan {
  const read: FileReader = (name) => {
    const text = Object.hasOwn(files, name) ? files[name] : undefined;
    if (text === undefined) throw new Error(`'${name}' is not with the plan`);
    return text;
  };
  return preparePlan(plan, read, { source });
}

/** A problem with a value that `vary` put there is told where that value stands. */
function inVary(finding: Finding, { choices }: Combination, variables: readonly Variable[]): Finding {
  for (const [i, { key, path, labelled }] of variables.entries()) {
    if (!path.every((part, at) => finding.path.length <= at || String(finding.path[at]) === String(part))) continue;
    if (finding.atKey && finding.path.length <= path.length) return { path: ['vary', key], atKey: true, message: finding.message };
    if (finding.path.length < path.length) continue;
    const value = labelled[choices[i]!] ? ['value'] : [];
    return {
      path: ['vary', key, choices[i]!, ...value, ...finding.path.slice(path.length)],
      atKey: finding.atKey,
      message: finding.message,
    };
  }
  return finding;
}

function setupOf(draft: PlanDraft, read: FileReader, pages: Map<string, Page>, fail: (finding: Finding) => never): VariantSetup {
  const at = <T>(path: KeyPath, make: () => T): T => {
    try {
      return make();
    } catch (problem) {
      return fail({ path, atKey: false, message: (problem as Error).message });
    }
  };
  const links = (path: KeyPath, hop: HopDraft): Links => ({
    up: at([...path, 'up'], () => linkOf(hop, 'up', read)),
    down: at([...path, 'down'], () => linkOf(hop, 'down', read)),
  });
  const { topology, workload } = draft;
  const { gateway } = topology;
  return {
    links: links(['topology'], topology),
    gateway: gateway && { model: gateway.model, links: links(['topology', 'gateway'], gateway) },
    load: at(['workload'], () =>
      typeof workload === 'object' && 'flows' in workload ? bulkLoad(workload) : pageLoad(draft, pageOf(workload, read, pages)),
    ),
  };
}

function pageLoad({ models, profile, scheduler, controller, topology }: PlanDraft, page: Page): PageLoad {
  const names: EndNames = { ...(profile && { profile }), ...(scheduler && { scheduler }), ...(controller && { controller }) };
  return { kind: 'page', page, models: models!, names, ...endsOf(names), nameLookup: topology.nameLookup ?? 0 };
}

type Flows = Extract<PlanDraft['workload'], { readonly flows: unknown }>;

function bulkLoad({ flows, size, time, stagger = 0 }: Flows): BulkLoad {
  const until = time ?? MOST_TIME;
  if (until > MOST_TIME) throw new Error('time: an hour at most');
  if (stagger * (flows.length - 1) >= until) throw new Error('stagger: the last transfer would start when the time is over');
  return {
    kind: 'flows',
    flows: flows.map((name) => parseController(name)),
    names: flows.map((name, i) => {
      const nth = flows.slice(0, i).filter((other) => other === name).length;
      return nth === 0 ? name : `${name} ${nth + 1}`;
    }),
    octets: time !== undefined ? Number.POSITIVE_INFINITY : (size ?? 10_000_000),
    until,
    stagger,
  };
}

function pageOf(workload: Exclude<PlanDraft['workload'], Flows>, read: FileReader, pages: Map<string, Page>): Page {
  const key = JSON.stringify(workload);
  const known = pages.get(key);
  if (known !== undefined) return known;
  const page = newPage(workload, read);
  pages.set(key, page);
  return page;
}

function newPage(workload: Exclude<PlanDraft['workload'], Flows>, read: FileReader): Page {
  if (typeof workload === 'string') return namedPage(workload, read);
  if ('page' in workload) return namedPage(workload.page, read);
  if ('files' in workload) {
    const { count, size } = workload.files;
    return filesWorkload(
      Array.from({ length: count }, (_, i) => ({ path: `file-${i + 1}`, size })),
      `${count} files`,
    );
  }
  if ('har' in workload) return harPage(workload.har, read).page;
  const { seed = 1, ...options } = workload.generate;
  return generatePage(seededRandom(seed), Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
}

function namedPage(name: string, read: FileReader): Page {
  if (name === 'median') return medianPage;
  if (name === 'small') return smallPage;
  const text = read(name);
  try {
    return parsePage(JSON.parse(text));
  } catch (problem) {
    throw problem instanceof PageError ? problem : new Error(`'${name}' is not JSON: ${(problem as Error).message}`);
  }
}

const workloadText = (load: PageLoad | BulkLoad): string =>
  load.kind === 'page'
    ? `page '${load.page.name}', ${load.page.objects.length} objects, ${load.page.objects.reduce((sum, { size }) => sum + size, 0)} octets`
    : `${load.flows.length} bulk transfers, ${Number.isFinite(load.octets) ? `${load.octets} octets each` : `${load.until / SECOND} s`}`;
