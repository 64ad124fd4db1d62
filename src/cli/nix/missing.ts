/** What a build would do: the lists that `--dry-run` shows, and that builds begin with, in C++ Nix's words. */

import type { Progress } from '#base';
import { maySubstitute, type Wanted } from '#build';
import { isDerivationPath, knownOutputPath, type NarInfo, type StorePath } from '#formats';
import type { CacheSubstituter, MissingPaths, Store } from '#store';
import type { Workspace } from '#system';

export interface WantedOutputs {
  readonly drvPath: StorePath;
  readonly outputs: readonly string[];
}

export interface MissingOptions {
  readonly substituters?: readonly CacheSubstituter[];
  /** Wanted as they are. */
  readonly paths?: readonly StorePath[];
  /** Hears what is wrong with caches. */
  readonly progress?: Progress;
}

/** The derivations that a build would build, inputs before what needs them. */
export async function toBeBuilt(
  store: Store, wanted: readonly WantedOutputs[], options: MissingOptions = {}, fetched = new Map<StorePath, NarInfo>(),
  lacking = new Set<StorePath>(),
): Promise<StorePath[]> {
  const saved = await findSubstitutes(store, wanted, options, fetched, lacking);
  return missingDerivations(store, wanted, saved).filter(isDerivationPath);
}

/** The text of `--dry-run`; empty if nothing is missing. */
export async function describeMissing(
  store: Store, wanted: readonly WantedOutputs[], options: MissingOptions = {},
): Promise<string> {
  const fetched = new Map<StorePath, NarInfo>();
  const lacking = new Set<StorePath>();
  const missing = await toBeBuilt(store, wanted, options, fetched, lacking);
  for (const path of options.paths ?? []) if (!fetched.has(path) && !store.isValidPath(path)) lacking.add(path);
  return listOf(missing, missing.length === 1 ? 'this derivation will be built:'
    : `these ${missing.length} derivations will be built:`) + describeFetched([...fetched.values()])
    + listOf([...lacking].sort(), "don't know how to build these paths:");
}

/** What a build that is about to begin builds and fetches; without a word where nothing is missing. */
export async function tellMissing(workspace: Workspace, wanted: readonly Wanted[], progress: Progress): Promise<void> {
  // The other end tells it, and what is built again is there.
  if (workspace.engine !== undefined || workspace.rebuilds) return;
  const store = workspace.goalStore;
  const paths = wanted.flatMap((one) => ('path' in one ? [one.path] : []));
  const derivations: WantedOutputs[] = [];
  for (const one of wanted) {
    if (!('drvPath' in one)) continue;
    if (!store.isValidPath(one.drvPath)) {
      paths.push(one.drvPath);
      continue;
    }
    const known = store.readDerivation(one.drvPath).outputs;
    // Of an output that there is none of, the build itself speaks.
    const outputs = (one.outputs ?? [...known.keys()]).filter((name) => known.has(name));
    derivations.push({ drvPath: one.drvPath, outputs });
  }
  const text = await describeMissing(store, derivations, { substituters: workspace.substituters, paths, progress });
  if (text !== '') progress.message('info', text.trimEnd());
}

/** The same text, of what a daemon says that it would do. */
export function missingText(missing: MissingPaths): string {
  const { willBuild, willSubstitute, unknown, downloadBytes, narBytes } = missing;
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
  const sizes = `(${mebibytes(downloadBytes)} MiB download, ${mebibytes(narBytes)} MiB unpacked)`;
  return listOf(willBuild, willBuild.length === 1 ? 'this derivation will be built:'
    : `these ${willBuild.length} derivations will be built:`)
    + listOf(willSubstitute, willSubstitute.length === 1 ? `this path will be fetched ${sizes}:`
      : `these ${willSubstitute.length} paths will be fetched ${sizes}:`)
    + listOf(unknown, "don't know how to build these paths:");
}

/** Derivations that would be built, inputs before what needs them. */
function missingDerivations(
  store: Store, wanted: readonly WantedOutputs[], saved: ReadonlySet<string>,
): StorePath[] {
  const order: StorePath[] = [];
  const seen = new Set<StorePath>();
  // A stack of its own: a system's graph is deeper than the call stack should go.
  const stack = wanted.map((one) => ({ ...one, done: false })).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.done) {
      order.push(next.drvPath);
      continue;
    }
    if (seen.has(next.drvPath)) continue;
    if (missingOutputs(store, next).length === 0 || saved.has(keyOf(next))) continue;
    seen.add(next.drvPath);
    stack.push({ ...next, done: true });
    for (const [drvPath, outputs] of store.readDerivation(next.drvPath).inputDerivations) {
      stack.push({ drvPath, outputs, done: false });
    }
  }
  return order;
}

/** Looks for all that is missing in the caches; returns what need not be built, and gathers what is fetched. */
async function findSubstitutes(
  store: Store, wanted: readonly WantedOutputs[], { substituters = [], paths = [], progress }: MissingOptions,
  fetched: Map<StorePath, NarInfo>, lacking: Set<StorePath>,
): Promise<ReadonlySet<string>> {
  const saved = new Set<string>();
  const [substituter] = substituters;
  if (substituter === undefined) return saved;
  const describe = async (wantedPaths: readonly StorePath[]): Promise<boolean> => {
    const plans = await Promise.all(wantedPaths.map((path) => substituter.describe(path, store, { ...(progress === undefined ? {} : { progress }) }, lacking)));
    if (plans.includes(undefined)) return false;
    for (const info of plans.flatMap((plan) => plan ?? [])) fetched.set(info.path, info);
    return true;
  };
  await Promise.all(paths.filter((path) => !store.isValidPath(path)).map((path) => describe([path])));
  const seen = new Set<string>();
  for (let level = [...wanted]; level.length > 0;) {
    const fresh = level.filter((one) => !seen.has(keyOf(one)) && seen.add(keyOf(one)));
    const next = await Promise.all(fresh.map(async (one): Promise<WantedOutputs[]> => {
      const outputs = missingOutputs(store, one);
      const derivation = store.readDerivation(one.drvPath);
      if (outputs.length === 0) return [];
      const known = outputs.filter((path) => path !== undefined);
      if (known.length === outputs.length && maySubstitute(derivation) && (await describe(known))) {
        saved.add(keyOf(one));
        return [];
      }
      return [...derivation.inputDerivations].map(([drvPath, names]) => ({ drvPath, outputs: names }));
    }));
    level = next.flat();
  }
  return saved;
}

/** The wanted outputs that are not valid; undefined stands for one of which nobody knows what it was built to. */
function missingOutputs(store: Store, { drvPath, outputs }: WantedOutputs): (StorePath | undefined)[] {
  const derivation = store.readDerivation(drvPath);
  return outputs
    .map((name) => {
      const output = derivation.outputs.get(name);
      return output === undefined ? undefined : knownOutputPath(output) ?? store.queryRealisation(drvPath, name)?.path;
    })
    .filter((path) => path === undefined || !store.isValidPath(path));
}

function describeFetched(infos: readonly NarInfo[]): string {
  const sum = (sizeOf: (info: NarInfo) => number) =>
    (infos.reduce((total, info) => total + sizeOf(info), 0) / 2 ** 20).toFixed(2);
  const sizes = `(${sum((info) => info.fileSizeBytes ?? 0)} MiB download, ${sum((info) => info.narSizeBytes)} MiB unpacked)`;
  return listOf(infos.map((info) => info.path).sort(), infos.length === 1
    ? `this path will be fetched ${sizes}:` : `these ${infos.length} paths will be fetched ${sizes}:`);
}

function listOf(paths: readonly StorePath[], head: string): string {
  return paths.length === 0 ? '' : `${head}\n${paths.map((path) => `  ${path}\n`).join('')}`;
}

function keyOf({ drvPath, outputs }: WantedOutputs): string {
  return `${drvPath}!${[...outputs].sort().join(',')}`;
}
