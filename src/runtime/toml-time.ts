/**
 * Dates and times of TOML in one form: `T` between date and time, seconds, a fraction of three,
 * six or nine digits, and `Z` for no offset.
 */

const form =
  /^(?:(\d{4})-(\d{2})-(\d{2}))?(?:[Tt ]?(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[-+]\d{2}:\d{2})?)?$/;

/** The canonical text of a date, a time or both; undefined if there is no such moment. */
export function formatTomlTime(text: string): string | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset] = match;
  let result = '';
  if (year !== undefined) {
    if (!isDate(Number(year), Number(month), Number(day))) return undefined;
    result = `${year}-${month}-${day}`;
  }
  if (hour === undefined) return result;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (year !== undefined) result += 'T';
  result += `${hour}:${minute}:${second}${formatFraction(fraction ?? '')}`;
  if (offset === undefined) return result;
  if (/^(?:[Zz]|[-+]00:00)$/.test(offset)) return `${result}Z`;
  return Number(offset.slice(1, 3)) > 23 || Number(offset.slice(4)) > 59
    ? undefined
    : result + offset;
}

function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= length;
}

/** Cut to nanoseconds, and to as many groups of three digits as say something. */
function formatFraction(digits: string): string {
  const nanoseconds = digits.slice(0, 9).padEnd(9, '0');
  if (/^0*$/.test(nanoseconds)) return '';
  if (!nanoseconds.endsWith('000')) return `.${nanoseconds}`;
  return nanoseconds.endsWith('000000')
    ? `.${nanoseconds.slice(0, 3)}`
    : `.${nanoseconds.slice(0, 6)}`;
}
