/**
 * Verification: whether what the database says is true of the files.
 *
 * A path that is registered but gone is forgotten, with what refers to it; contents are compared
 * with their hashes only on request, since that reads everything.
 */

import { existsSync, lstatSync } from 'node:fs';
import { formatPrefixedHash, noProgress, sameHash, type Progress } from '#base';
import type { StorePath } from '#formats';
import { bytePath } from './file-tree.ts';
import type { LocalStore } from './local-store.ts';
import { scanTree } from './tree-hash.ts';

export interface VerifyOptions {
  readonly checkContents?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Verification {
  /** What was wrong, a sentence each. */
  readonly problems: readonly string[];
  /** Registered paths that were gone and have been forgotten. */
  readonly forgotten: readonly StorePath[];
  readonly damaged: readonly StorePath[];
}

export async function verifyStore(store: LocalStore, options: VerifyOptions = {}): Promise<Verification> {
  const problems: string[] = [];
  const forgotten: StorePath[] = [];
  const damaged: StorePath[] = [];
  const paths = store.allValidPaths();
  const activity = (options.progress ?? noProgress).start('verify', 'store paths', { total: paths.length });
  for (const path of paths) {
    options.signal?.throwIfAborted();
    if (lstatSync(store.physicalPath(path), { throwIfNoEntry: false }) === undefined) {
      forget(store, path, problems, forgotten);
    } else if (options.checkContents === true) {
      const problem = await checkContents(store, path);
      if (problem !== undefined) {
        problems.push(problem);
        damaged.push(path);
      }
    }
    activity.advance(1);
  }
  activity.finish(problems.length === 0 ? 'done' : 'failed');
  return { problems, forgotten, damaged };
}

/** Forgets a path that is gone, unless something that is still there refers to it. */
function forget(store: LocalStore, path: StorePath, problems: string[], forgotten: StorePath[]): void {
  if (forgotten.includes(path)) return;
  const referrers = store.queryReferrers(path).filter((one) => one !== path);
  for (const referrer of referrers) {
    if (!existsSync(store.physicalPath(referrer))) forget(store, referrer, problems, forgotten);
  }
  const left = store.queryReferrers(path).filter((one) => one !== path);
  if (left.length > 0) {
    problems.push(`path '${path}' disappeared, but it still has valid referrers!`);
    return;
  }
  problems.push(`path '${path}' disappeared, removing from database...`);
  store.database.invalidate(path);
  forgotten.push(path);
}

async function checkContents(store: LocalStore, path: StorePath): Promise<string | undefined> {
  const info = store.queryPathInfo(path);
  if (info === undefined) return undefined;
  const { narHash } = await scanTree(bytePath(store.physicalPath(path)), []);
  if (sameHash(narHash, info.narHash)) return undefined;
  return `path '${path}' was modified! expected hash '${formatPrefixedHash(info.narHash, 'nix32')}', `
    + `got '${formatPrefixedHash(narHash, 'nix32')}'`;
}
