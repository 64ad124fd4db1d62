/**
 * Repairing: paths whose files are damaged or gone get their content again, from a binary cache or
 * by building what made them.
 */
import { formatPrefixedHash } from '#base';
import type { StorePath } from '#formats';
import { isIntact, type LocalStore } from '#store';
import { cannotRepair } from './errors.ts';
import { realise, type RealiseOptions, type Wanted } from './realise.ts';

/** Makes `path` good again, whatever is there now. Throws `cannotRepair` where nothing has or makes it. */
export async function repairPath(store: LocalStore, path: StorePath, options: RealiseOptions): Promise<void> {
  store.markDamaged(path);
  try {
    await realise(store, [whatMakes(store, path)], options);
  } catch (error) {
    if ((error as { code?: string }).code !== 'PATH_NOT_VALID') throw error;
    throw cannotRepair(path);
  }
  if (!store.isValidPath(path)) throw cannotRepair(path);
}

/** Repairs what is damaged in the closure of the paths; gives the paths that were. */
export async function repairClosure(
  store: LocalStore, paths: readonly StorePath[], options: RealiseOptions,
): Promise<StorePath[]> {
  const damaged: StorePath[] = [];
  for (const path of store.closureOf(paths)) {
    options.signal?.throwIfAborted();
    if (await isIntact(store, path)) continue;
    const info = store.queryPathInfo(path);
    const wanted = info === undefined ? '' : ` (${formatPrefixedHash(info.narHash, 'nix32')})`;
    options.progress?.message('warning', `found corrupted or missing path '${path}'${wanted} in the closure`);
    store.markDamaged(path);
    damaged.push(path);
  }
  for (const path of damaged) if (!store.isValidPath(path)) await repairPath(store, path, options);
  return damaged;
}

/** The derivation that made a path, if it is at hand: it is asked of binary caches all the same. */
function whatMakes(store: LocalStore, path: StorePath): Wanted {
  const deriver = store.queryPathInfo(path)?.deriver;
  for (const drvPath of [...(deriver === undefined ? [] : [deriver]), ...store.queryDerivers(path)]) {
    if (!store.isValidPath(drvPath)) continue;
    const output = [...store.queryDerivationOutputs(drvPath)].find(([, made]) => made === path);
    if (output !== undefined) return { drvPath, outputs: [output[0]] };
  }
  return { path };
}
