import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('../src/page/page.css', import.meta.url), 'utf8');
const [light, dark, printed] = [':root {', '@media screen and (prefers-color-scheme: dark) {', '@media print {'].map((head) => {
  const block = css.slice(css.indexOf(head));
  return Object.fromEntries(
    [...block.slice(0, block.indexOf('}')).matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name!, hex!]),
  );
}) as [Colours, Colours, Colours];
type Colours = Readonly<Record<string, string>>;
type Triple = readonly [number, number, number];

const linear = (hex: string): Triple =>
  [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
const times = (matrix: readonly Triple[], [r, g, b]: Triple): Triple =>
  matrix.map(([x, y, z]) => Math.min(1, Math.max(0, x * r + y * g + z * b))) as unknown as Triple;

/** What is left of a colour without one kind of cones, on linear RGB: Machado, Oliveira, Fernandes, IEEE TVCG 15 (2009), severity 1. */
const VISIONS: Readonly<Record<string, readonly Triple[]>> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Oklab, in which a just noticeable difference is about 0.02. */
function oklab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
function distance(one: string, other: string, vision: readonly Triple[]): number {
  const [a, b] = [one, other].map((hex) => oklab(times(vision, linear(hex)))) as [Triple, Triple];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
/** WCAG 2.2, contrast ratio. */
function contrast(one: string, other: string): number {
  const [a, b] = [one, other].map((hex) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  }) as [number, number];
  return Math.max(a, b) / Math.min(a, b);
}

const named = (colours: Colours, names: readonly string[]): string[] => names.map((name) => colours[name] ?? light[name]!);
const FLOWS = ['flow-0', 'flow-1', 'flow-2', 'flow-3', 'flow-4', 'flow-5'];
const SCHEMES = [
  ['light', light],
  ['dark', dark],
  ['printed', printed],
] as const;

describe.each(SCHEMES)('colours of a page, %s', (_scheme, colours) => {
  test.each(Object.keys(VISIONS))('of models, and of blame, are told apart: %s', (vision) => {
    for (const names of [FLOWS, ['own', 'other', 'connection']]) {
      const all = named(colours, names);
      for (const [i, one] of all.entries())
        for (const other of all.slice(i + 1)) expect(distance(one, other, VISIONS[vision]!), `${one} and ${other}`).toBeGreaterThan(0.08);
    }
  });

  test('of a heat map grow in one direction of lightness, each step to be seen', () => {
    const shades = named(
      colours,
      Array.from({ length: 7 }, (_, i) => `heat-${i + 1}`),
    );
    for (const vision of Object.values(VISIONS)) {
      const lightness = shades.map((shade) => oklab(times(vision, linear(shade)))[0]);
      const towards = Math.sign(lightness[6]! - lightness[0]!);
      for (let i = 1; i < 7; i++) expect(towards * (lightness[i]! - lightness[i - 1]!), shades[i]).toBeGreaterThan(0.04);
    }
  });

  test('stand out from the page: lines 3 to 1, text 4.5 to 1 (WCAG 2.2, 1.4.3 and 1.4.11)', () => {
    const [paper, panel, quiet, ink] = named(colours, ['paper', 'panel', 'quiet', 'ink']) as [string, string, string, string];
    for (const line of named(colours, FLOWS)) expect(contrast(line, panel), line).toBeGreaterThan(3);
    for (const words of [quiet, ink]) for (const ground of [paper, panel]) expect(contrast(words, ground), words).toBeGreaterThan(4.5);
  });
});
