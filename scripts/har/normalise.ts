/** An instant that says nothing: files made on another day differ in what differs. */
const FIRST = Date.UTC(2024, 0, 1);
const DATE = new Date(FIRST).toUTCString();
/** What only this run had: ports, the day, numbers of connections and scripts. */
const LEFT_OUT = new Set(['serverIPAddress', 'connection', '_connectionId', 'scriptId', 'expires']);

/** The text of a HAR file without what says where and when it was made. */
export function normalised(har: unknown): string {
  const { log } = har as { log: { entries: { startedDateTime: string }[]; pages: { startedDateTime: string }[] } };
  const instants = [...log.entries, ...log.pages].map(({ startedDateTime }) => Date.parse(startedDateTime));
  const offset = FIRST - Math.min(...instants);
  const replaced = (key: string, value: unknown): unknown => {
    if (LEFT_OUT.has(key)) return undefined;
    if (key === 'startedDateTime') return new Date(Date.parse(String(value)) + offset).toISOString();
    if (typeof value === 'number') return Math.round(value * 1_000) / 1_000;
    if (isField(value, /^(date|last-modified)$/i)) return { ...value, value: DATE };
    if (isField(value, /^alt-svc$/i)) return { ...value, value: 'h3=":443"; ma=86400' };
    return value;
  };
  return `${JSON.stringify(har, replaced, 1)}\n`;
}

const isField = (value: unknown, name: RegExp): value is object =>
  typeof value === 'object' && value !== null && name.test(String((value as { name?: unknown }).name));
