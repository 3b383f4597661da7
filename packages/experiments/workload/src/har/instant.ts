const FORM = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,12})?(Z|z|[+-]\d\d:?\d\d)?$/;
const DAY = 86_400_000;

/** An ISO 8601 instant as HAR has it, in ms since the Unix epoch, fraction kept; without a zone it is UTC. NaN where it is none. */
export function parseInstant(text: string): number {
  const match = FORM.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return Number.NaN;
  const zone = match[8] ?? 'Z';
  const ahead = /^z$/i.test(zone) ? 0 : (zone.startsWith('-') ? -1 : 1) * (60 * Number(zone.slice(1, 3)) + Number(zone.slice(-2)));
  const clock = ((hour * 60 + minute - ahead) * 60 + second) * 1_000 + 1_000 * Number(match[7] ?? 0);
  return daysSinceEpoch(year, month, day) * DAY + clock;
}

/** Of the Gregorian calendar. Years are counted from March, so that the leap day is the last of its year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
