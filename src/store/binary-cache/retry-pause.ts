/**
 * How long to wait before a server is asked again: doubled from try to try, up to a bound, with
 * chance in it so that many clients do not all come at once, and never shorter than the server
 * itself asks for.
 */

import type { TransportSettings } from './transport.ts';

/** What is known of why a try failed. */
export interface Trouble {
  /** The server has too much to do. */
  readonly busy?: boolean;
  /** What the server asks for by `Retry-After`. */
  readonly retryAfterMilliseconds?: number | undefined;
}

/** In whole milliseconds; undefined if the server wants us to be away for longer than anybody waits. */
export function pauseBefore(
  failures: number, { busy = false, retryAfterMilliseconds: asked = 0 }: Trouble, settings: TransportSettings,
): number | undefined {
  const {
    retryDelayMilliseconds = 100, busyDelayMilliseconds = 5000, maximumDelayMilliseconds = 60_000, jitter = true,
  } = settings;
  if (asked > longestMilliseconds) return undefined;
  const first = busy ? busyDelayMilliseconds : retryDelayMilliseconds;
  const own = Math.min(first * 2 ** (failures - 1), maximumDelayMilliseconds);
  return Math.round(jitter ? asked + own * (0.25 + 0.75 * Math.random()) : Math.max(asked, own));
}

/** Seconds, or a date; undefined for what is neither. */
export function retryAfterOf(header: string | string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A cache that is away for longer is as good as down. */
const longestMilliseconds = 600_000;
