/**
 * `--check`: a derivation is built again, and what comes out is compared with what is valid. Nothing
 * becomes valid by it. What differs is kept beside the valid path on request, and a program of the
 * user's may say how it differs.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, renameSync } from 'node:fs';
import { sameHash } from '#base';
import type { StorePath } from '#formats';
import { bytePath, canonicaliseTree, deleteTree, type FinishedOutput, type Store } from '#store';
import { missingOutput, notDeterministic } from './errors.ts';

export interface CheckOptions {
  /** Keeps what differs as `<path>.check`. */
  readonly keepDifferent: boolean;
  /** A program that gets the two paths, the derivation and a folder. */
  readonly diffHook?: string | undefined;
}

/** Throws `notDeterministic` at the first output that differs from the valid one. */
export async function compareOutputs(
  store: Store, drvPath: StorePath, outputs: readonly FinishedOutput[], options: CheckOptions,
  say: (line: string) => void,
): Promise<void> {
  for (const { path, physical } of outputs) {
    const known = store.queryPathInfo(path);
    if (known === undefined || !store.isValidPath(path)) continue;
    if (lstatSync(physical, { throwIfNoEntry: false }) === undefined) throw missingOutput(drvPath, path);
    canonicaliseTree(bytePath(physical));
    if (sameHash(await store.hashTree(physical, 'recursive', 'sha256'), known.narHash)) continue;
    if (!options.keepDifferent && options.diffHook === undefined) throw notDeterministic(drvPath, store.physicalPath(path));
    const kept = `${store.physicalPath(path)}.check`;
    deleteTree(bytePath(kept));
    renameSync(physical, kept);
    if (options.diffHook !== undefined) {
      const run = spawnSync(options.diffHook, [store.physicalPath(path), kept, drvPath, '/tmp'], { encoding: 'utf8' });
      for (const line of `${run.stdout ?? ''}${run.stderr ?? ''}`.split('\n')) if (line !== '') say(line);
    }
    throw notDeterministic(drvPath, store.physicalPath(path), kept);
  }
}
