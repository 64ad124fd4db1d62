/**
 * What the database will say of an output that a builder has written: it is made canonical, hashed
 * and searched for references in one reading.
 */

import { noProgress } from '#base';
import { nameOf, type StorePath } from '#formats';
import { outputMissing } from './errors.ts';
import { bytePath, canonicaliseTree, treeStands } from './file-tree.ts';
import type { CommitOptions, FinishedOutput, ValidPathInfo } from './store.ts';
import { scanTree } from './tree-hash.ts';

/** `candidates` are the paths whose occurrence makes a reference. Throws OUTPUT_MISSING. */
export async function measureOutput(
  output: FinishedOutput, candidates: readonly StorePath[], options: CommitOptions,
): Promise<ValidPathInfo> {
  const physical = bytePath(output.physical);
  if (!treeStands(physical)) throw outputMissing(output.path);
  const common = {
    path: output.path, registrationTime: Math.floor(Date.now() / 1000), ultimate: true, signatures: [],
    ...(options.deriver === undefined ? {} : { deriver: options.deriver }),
    ...(output.contentAddress === undefined ? {} : { contentAddress: output.contentAddress }),
  };
  if (output.measured !== undefined) {
    const { narSha256, narSizeBytes, references = [] } = output.measured;
    return { ...common, narHash: { algorithm: 'sha256', bytes: narSha256 }, narSizeBytes, references: [...references] };
  }
  canonicaliseTree(physical);
  const activity = (options.progress ?? noProgress).start('verify', nameOf(output.path), { unit: 'bytes' });
  try {
    const wanted = output.withoutReferences === true ? [] : candidates;
    const measure = await scanTree(physical, wanted, (bytes) => activity.advance(bytes));
    activity.finish();
    return { ...common, ...measure };
  } catch (error) {
    activity.finish('failed');
    throw error;
  }
}
