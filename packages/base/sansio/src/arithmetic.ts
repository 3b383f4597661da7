/**
 * Cube root and natural logarithm from + − × ÷ and `Math.sqrt` only. The engines' own `Math.cbrt` and `Math.log` differ
 * in the last bit from one to the next, and a simulation must give the same bytes on any machine.
 */

/** The real cube root, within two units in the last place. */
export function cbrt(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const magnitude = x < 0 ? -x : x;
  // scale into [1, 8) by exact powers of eight, whose cube roots are exact powers of two
  let scaled = magnitude;
  let scale = 1;
  while (scaled >= 8) {
    scaled /= 8;
    scale *= 2;
  }
  while (scaled < 1) {
    scaled *= 8;
    scale /= 2;
  }
  let root = 1 + (scaled - 1) / 7; // the chord through (1, 1) and (8, 2): Newton's method converges from there in six steps
  for (let i = 0; i < 7; i++) root = (2 * root + scaled / (root * root)) / 3;
  return (x < 0 ? -root : root) * scale;
}

const LN2 = Math.LN2;

/** The natural logarithm; NaN below zero, -Infinity at zero. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  let exponent = 0;
  let mantissa = x;
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  // ln m = 2 artanh((m−1)/(m+1)); the quotient is below 0.172, so twelve terms pass the precision of a double
  const t = (mantissa - 1) / (mantissa + 1);
  const t2 = t * t;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * t2 + 1 / k;
  return exponent * LN2 + 2 * t * sum;
}
