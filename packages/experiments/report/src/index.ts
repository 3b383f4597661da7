export { bootstrapMedian, compare, FIGURES, median } from './compare.ts';
export { flowsReport } from './flows-html.ts';
export type { FlowCurve, FlowResult, FlowsJson, FlowsPath, FlowsRun, Steps } from './flows-schema.ts';
export { flowsTable } from './flows-table.ts';
export { bitRate, milliseconds, percent, realisedLoss } from './format.ts';
export { htmlReport } from './html.ts';
export type { ComparedFigure, Comparison, FigureName, LinkResult, ResultJson, ResultPlan, RunResult, StreamResult } from './schema.ts';
export { terminalTable } from './table.ts';
export { parseResult, ResultError } from './validate.ts';
