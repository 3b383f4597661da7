import { grouped } from './format.ts';
import { FIGURE_DEFINITIONS, type FigureUnit, type PlanFigure } from './plan-figures.ts';

/** How a unit is shown, and what it is then called. */
export const SHOWN: Readonly<Record<FigureUnit, { readonly unit: string; readonly by: number; readonly decimals: number }>> = {
  µs: { unit: 'ms', by: 1_000, decimals: 1 },
  octets: { unit: 'kB', by: 1_000, decimals: 1 },
  octets·µs: { unit: 'kB·s', by: 1e9, decimals: 1 },
  'bit/s': { unit: 'Mbit/s', by: 1e6, decimals: 2 },
  count: { unit: '', by: 1, decimals: 0 },
  ppm: { unit: '', by: 1e6, decimals: 3 },
};

/** 'page load, ms' */
export const headingOf = (figure: PlanFigure): string => {
  const { heading, unit } = FIGURE_DEFINITIONS[figure];
  return SHOWN[unit].unit === '' ? heading : `${heading}, ${SHOWN[unit].unit}`;
};

/** Without its unit, which the heading has. */
export const figureText = (value: number, figure: PlanFigure): string => {
  const { by, decimals } = SHOWN[FIGURE_DEFINITIONS[figure].unit];
  return grouped(value / by, decimals);
};
