/**
 * The three printed forms of a float: as values are shown (`%g`), as `toString` gives it (`%f`),
 * and in JSON (the shortest text that reads back as the same number).
 *
 * C rounds an exact tie to even, JavaScript away from zero; the ties are found and corrected here.
 */

/** Six significant digits, trailing zeros dropped: `1e+06`, `0.1`, `inf`. */
export function formatFloatShort(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits, exponent] = significantDigits(Math.abs(value));
  const sign = value < 0 ? '-' : '';
  const trimmed = digits.replace(/0+$/, '');
  if (exponent < -4 || exponent >= 6) {
    const fraction = trimmed.length > 1 ? `.${trimmed.slice(1)}` : '';
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${trimmed[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${trimmed}`;
  const whole = trimmed.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = trimmed.slice(exponent + 1);
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

/** Six digits after the point: `1.500000`. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (magnitude >= 1e21) return `${sign}${BigInt(magnitude)}.000000`;
  const long = magnitude.toFixed(20);
  const point = long.indexOf('.');
  if (/^50*$/.test(long.slice(point + 7)) && Number(long[point + 6]) % 2 === 0) {
    return sign + long.slice(0, point + 7);
  }
  return sign + magnitude.toFixed(6);
}

/** As JSON writes it; `null` for what JSON cannot say. Always with a point or an exponent. */
export function formatFloatJson(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const sign = value < 0 ? '-' : '';
  const match = /^(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(Math.abs(value).toExponential())!;
  const digits = match[1]! + (match[2] ?? '');
  // The number is 0.digits times ten to the power of `point`.
  const point = Number(match[3]) + 1;
  if (digits.length <= point && point <= 15) return `${sign}${digits.padEnd(point, '0')}.0`;
  if (point > 0 && point <= 15) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point > -4 && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const exponent = point - 1;
  const power = String(Math.abs(exponent)).padStart(2, '0');
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
}

function nonFinite(value: number): string {
  return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
}

/** The first six digits of a positive number and its decimal exponent. */
function significantDigits(value: number): [string, number] {
  const exact = value.toExponential(20);
  const digits = exact[0]! + exact.slice(2, 22);
  if (/^50*$/.test(digits.slice(6)) && Number(digits[5]) % 2 === 0) {
    return [digits.slice(0, 6), Number(exact.slice(23))];
  }
  const rounded = value.toExponential(5);
  return [rounded[0]! + rounded.slice(2, 7), Number(rounded.slice(8))];
}
