/**
 * The exit status that says why a build failed, as scripts expect it of `nix-build` and `nix-store
 * --realise`: 100 for a builder that failed (1 if it had the network and may succeed another time),
 * 101 for one that took too long, 102 for an output with another hash than promised, 104 for one that
 * differs when it is built again; sums of these where several failed.
 */

import { UserError } from '#base';

/** Runs a build; an error that it ends with is given its exit status. */
export async function withBuildStatus<Result>(build: () => Promise<Result>): Promise<Result> {
  try {
    return await build();
  } catch (error) {
    const bits = isOfBuild(error) ? failureBits(error) : 0;
    throw bits === 0 ? error : Object.assign(error as Error, { exitStatus: 96 + bits });
  }
}

/** What comes from a cache with another hash, say, is no failure of a builder. */
function isOfBuild(error: unknown): boolean {
  return error instanceof UserError && (error.code === 'BUILD_FAILED' || 'failures' in error);
}

function failureBits(error: unknown): number {
  let bits = 0;
  for (let one = error; one instanceof UserError; one = one.cause) {
    if (one.code === 'NOT_DETERMINISTIC') bits |= 8;
    else if (one.code === 'HASH_MISMATCH') bits |= 4 | 2;
    else if (one.code === 'BUILDER_TIMED_OUT') bits |= 4 | 1;
    else if (['BUILDER_FAILED', 'OUTPUT_MISSING', 'FETCH_NOT_FIXED'].includes(one.code)) bits |= 4;
    for (const failure of (one as { failures?: readonly unknown[] }).failures ?? []) bits |= failureBits(failure);
  }
  return bits;
}
