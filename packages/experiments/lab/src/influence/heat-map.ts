import { INFLUENCE_DEFINITIONS, type InfluenceFigure, milliseconds } from '@quiclab/report';
import type { InfluenceMatrices } from './matrices.ts';

const STEPS = 7;
const CELL = 18; // wide
const LEAST_ROW = 3;
const MOST_ROW = 14;
const HEIGHT = 330; // of the cells, about
const LEFT = 44;
const TOP = 46;
const GAP = 26;
const LEGEND = 62;
const STEP = 34; // of the legend, wide
const MARGIN = 12;

/** A sequence that differs in lightness, so that it does without hues; what comes earlier than without the loss is of another hue. */
const LIGHT = ['#d6e6f4', '#abcfe6', '#6aaed6', '#3787c0', '#105ba4', '#08306b', '#041b3d'];
const DARK = ['#12304d', '#174a78', '#1f6aa8', '#3d8fd1', '#6cb4ea', '#a5d5f7', '#e3f3ff'];
const EARLIER_LIGHT = '#e08214';
const EARLIER_DARK = '#f6a04d';

const STYLE = [
  'text{font:11px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600;font-size:12px}.f{fill:#f6f8fa;stroke:#d1d9e0}.o{fill:none;stroke:#1f2328;stroke-width:1}',
  ...LIGHT.map((colour, i) => `.c${i + 1}{fill:${colour}}`),
  `.e{fill:${EARLIER_LIGHT}}`,
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.f{fill:#151b23;stroke:#3d444d}.o{stroke:#e6edf3}',
  ...DARK.map((colour, i) => `.c${i + 1}{fill:${colour}}`),
  `.e{fill:${EARLIER_DARK}}}`,
].join('');

/**
 * Matrices of one figure side by side, on one scale, as a picture: rows are dropped packets, columns streams; a cell outlined is a stream that
 * was in the packet, no cell is no change. It has both light and dark colours, and the value of each cell for the pointer.
 * @param scale  where the scale ends at least, µs: pictures beside each other have one
 */
export function heatMaps(matrices: readonly InfluenceMatrices[], figure: InfluenceFigure, scale = 0): string {
  const largest = Math.max(scale, scaleOf(matrices, figure));
  const row = Math.max(LEAST_ROW, Math.min(MOST_ROW, Math.floor(HEIGHT / Math.max(1, ...matrices.map(({ rows }) => rows.length)))));
  const widths = matrices.map(({ streams }) => Math.max(120, CELL * streams.length));
  const height = TOP + row * Math.max(...matrices.map(({ rows }) => rows.length)) + 34 + LEGEND;
  const cells = LEFT + widths.reduce((sum, one) => sum + one, 0) + GAP * (matrices.length - 1) + MARGIN;
  const width = Math.max(cells, MARGIN + STEP * STEPS + 130);
  const parts: string[] = [];
  let x = LEFT;
  for (const [i, one] of matrices.entries()) {
    parts.push(panel(one, figure, x, row, largest, i === 0));
    x += widths[i]! + GAP;
  }
  const values = matrices.flatMap(({ rows }) => rows.flatMap((each) => each[figure]));
  const top = height - LEGEND + 12;
  parts.push(legend(figure, top, largest, { more: values.some((value) => value > largest), earlier: values.some((value) => value < 0) }));
  const title = `${INFLUENCE_DEFINITIONS[figure].name} by dropped packet and stream: ${matrices.map(({ model }) => model).join(', ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}"><style>${STYLE}</style>\n${parts.join('\n')}\n</svg>\n`;
}

/** The largest value of a packet with octets of the page: what the loss of a handshake costs would leave nothing else to be seen. */
export const scaleOf = (matrices: readonly InfluenceMatrices[], figure: InfluenceFigure): number =>
  Math.max(1, ...matrices.flatMap(({ rows }) => rows.filter(({ carried }) => carried.length > 0).flatMap((row) => row[figure])));

function panel(
  { model, streams, rows }: InfluenceMatrices,
  figure: InfluenceFigure,
  x: number,
  height: number,
  largest: number,
  first: boolean,
): string {
  const width = CELL * streams.length;
  const parts = [
    `<text class="t" x="${x}" y="16">${escapeXml(model)}</text>`,
    ...streams.map((_, i) =>
      i % columnStep(streams.length) === 0
        ? `<text x="${x + CELL * i + CELL / 2}" y="${TOP - 6}" text-anchor="middle">${i + 1}</text>`
        : '',
    ),
    `<rect class="f" x="${x - 0.5}" y="${TOP - 0.5}" width="${width + 1}" height="${height * rows.length + 1}"><title>no change where there is no cell</title></rect>`,
    `<text x="${x + width / 2}" y="${TOP + height * rows.length + 16}" text-anchor="middle">stream</text>`,
  ];
  if (first) {
    const label = TOP + (height * rows.length) / 2;
    parts.push(`<text x="11" y="${label}" text-anchor="middle" transform="rotate(-90 11 ${label})">dropped packet</text>`);
  }
  const step = rowStep(rows.length);
  for (const [i, row] of rows.entries()) {
    const y = TOP + height * i;
    if (first && i % step === 0) parts.push(`<text x="${x - 5}" y="${y + Math.min(height, 11)}" text-anchor="end">${row.lost}</text>`);
    const carried = new Set(row.carried);
    for (const [j, value] of row[figure].entries()) {
      const colour = value === 0 ? '' : value < 0 ? 'e' : `c${Math.min(STEPS, Math.max(1, Math.ceil((STEPS * value) / largest)))}`;
      if (colour === '' && !carried.has(j)) continue;
      const place = `x="${x + CELL * j}" y="${y}" width="${CELL}" height="${height}"`;
      const title = `<title>packet ${row.lost} lost, ${escapeXml(streams[j]!.id)}${carried.has(j) ? ' (in it)' : ''}: ${milliseconds(value)}</title>`;
      if (colour !== '') parts.push(`<rect class="${colour}" ${place}>${title}</rect>`);
      if (carried.has(j))
        parts.push(
          `<rect class="o" x="${x + CELL * j + 0.5}" y="${y + 0.5}" width="${CELL - 1}" height="${height - 1}" pointer-events="${colour === '' ? 'all' : 'none'}">${colour === '' ? title : ''}</rect>`,
        );
    }
  }
  return parts.filter((part) => part !== '').join('\n');
}

function legend(
  figure: InfluenceFigure,
  y: number,
  largest: number,
  { more, earlier }: { readonly more: boolean; readonly earlier: boolean },
): string {
  const width = STEP;
  const parts = [`<text x="${MARGIN}" y="${y}">${INFLUENCE_DEFINITIONS[figure].name}, up to:</text>`];
  for (let i = 1; i <= STEPS; i++) {
    const x = MARGIN + width * (i - 1);
    parts.push(`<rect class="c${i}" x="${x}" y="${y + 7}" width="${width}" height="10"/>`);
    parts.push(
      `<text x="${x + width}" y="${y + 31}" text-anchor="end">${short((largest * i) / STEPS)}${more && i === STEPS ? '+' : ''}</text>`,
    );
  }
  let x = MARGIN + width * STEPS + 6;
  parts.push(`<text x="${x}" y="${y + 31}">ms</text>`);
  x += 30;
  parts.push(`<rect class="o" x="${x + 0.5}" y="${y + 7.5}" width="15" height="9"/><text x="${x + 20}" y="${y + 16}">in the packet</text>`);
  if (earlier)
    parts.push(`<rect class="e" x="${x}" y="${y + 22}" width="16" height="10"/><text x="${x + 20}" y="${y + 31}">earlier</text>`);
  return parts.join('\n');
}

/** Milliseconds with as many places as fit. */
const short = (micros: number): string => (micros < 9_950 ? (micros / 1_000).toFixed(1) : `${Math.round(micros / 1_000)}`);

/** Every nth row, and column, has a label. */
const rowStep = (rows: number): number => [1, 2, 5, 10, 20, 50, 100].find((step) => rows / step <= 14) ?? 200;
const columnStep = (columns: number): number => (columns <= 30 ? 1 : 10);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
