import { z } from 'zod';
import { planSchema } from './schema.ts';

/** What editors complete plans by. It has every key and its form; what hangs on several keys at once only running a plan can say. */
export function planJsonSchema(): string {
  const schema = z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any', target: 'draft-7', reused: 'ref' });
  // what is varied need not be said elsewhere
  return `${JSON.stringify({ title: 'A plan of quiclab', ...schema, required: ['question'] }, undefined, 2)}\n`;
}
