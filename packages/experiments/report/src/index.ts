export { bootstrapMedian, compare, type Estimate, FIGURES, median, ratioOfMedians } from './compare.ts';
export { flowsReport } from './flows-html.ts';
export type { FlowCurve, FlowResult, FlowsJson, FlowsPath, FlowsRun, Steps } from './flows-schema.ts';
export { flowsTable } from './flows-table.ts';
export { bitRate, milliseconds, percent, realisedLoss } from './format.ts';
export { htmlReport } from './html.ts';
export { modelsTable } from './models-table.ts';
export { type PlanCell, PlanCells, subjectsOf } from './plan-cells.ts';
export { type DetailedCurves, type DetailedPage, type DetailedStream, type PlanDetail, RANKS, type Rank } from './plan-details.ts';
export {
  FIGURE_DEFINITIONS,
  type FigureDefinition,
  type FigureUnit,
  PLAN_FIGURES,
  type PlanFigure,
  type PlanFigures,
} from './plan-figures.ts';
export { type PlanPage, planReport } from './plan-html.ts';
export {
  INFLUENCE_DEFINITIONS,
  INFLUENCE_FIGURES,
  type InfluenceFigure,
  type InfluenceOfPacket,
  type PlanInfluence,
} from './plan-influence.ts';
export type {
  PlanDocument,
  PlanEstimate,
  PlanFlow,
  PlanJson,
  PlanReference,
  PlanResult,
  PlanRun,
  PlanSummary,
  PlanVariable,
  PlanVariant,
  PlanWorld,
} from './plan-schema.ts';
export { seedsWanted, summarisePlan, variationOfFigure } from './plan-stats.ts';
export { planTable } from './plan-table.ts';
export type { ComparedFigure, Comparison, FigureName, LinkResult, ResultJson, ResultPlan, RunResult, StreamResult } from './schema.ts';
export { STATE_DEFINITIONS } from './state-definitions.ts';
export { terminalTable } from './table.ts';
export { parseResult, ResultError } from './validate.ts';
export { precision, seedsFor, variationOf } from './variation.ts';
