import Table from 'cli-table3';
import { FLOW_HEAD, flowRows, flowsSentence, flowsTitle, flowTerm, pathText } from './flows-html.ts';
import type { FlowsJson } from './flows-schema.ts';

/** The figures of bulk transfers for a terminal. Plain text without colours. */
export function flowsTable(result: FlowsJson): string {
  const table = new Table({
    head: ['flow', ...FLOW_HEAD.map(flowTerm)],
    colAligns: ['left', ...FLOW_HEAD.map(() => 'right' as const)],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const { name, cells } of flowRows(result)) table.push([name, ...cells]);
  return `Simulated: ${flowsTitle(result)}. ${pathText(result)}, seed ${result.seed}.\n\n${table.toString()}\n\n${flowsSentence(result)}`;
}
