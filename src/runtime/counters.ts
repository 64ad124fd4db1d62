/**
 * Counters of what evaluation did, shown on request (`NIX_SHOW_STATS`).
 *
 * Plain increments of fields of one object; what would cost on a hot path is derived instead.
 */

export const counters = {
  thunksMade: 0,
  thunksForced: 0,
  functionCalls: 0,
  primOpCalls: 0,
  /** Searches of a name in a set's names. */
  lookups: 0,
  attributeMerges: 0,
  mergePlansMade: 0,
  shapesMade: 0,
  /** Places of a text at which a branch of a regular expression was tried. */
  regexBranches: 0,
  filesParsed: 0,
  parsedBytes: 0,
};

export type Counters = Readonly<typeof counters>;

/** Sets all counters to zero. */
export function resetCounters(): void {
  for (const key of Object.keys(counters) as (keyof typeof counters)[]) counters[key] = 0;
}
