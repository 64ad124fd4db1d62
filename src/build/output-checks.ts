/**
 * The limits that a derivation puts on its outputs: what they may refer to and how large they may
 * be. Checked after the build and before anything becomes valid; references of outputs to each
 * other count although neither is valid yet.
 */
import { maybeStorePath, type Derivation, type StorePath } from '#formats';
import type { Store, ValidPathInfo } from '#store';
import type { DerivationOptions, OutputChecks } from './derivation-options.ts';
import { outputCycle, outputTooLarge, pathsNotAllowed, unknownCheckedOutput } from './errors.ts';

export function checkOutputs(
  store: Store, derivation: Derivation, outputPaths: ReadonlyMap<string, StorePath>,
  options: DerivationOptions, infos: readonly ValidPathInfo[],
): void {
  const fresh = new Map(infos.map((info) => [info.path, info]));
  refuseCycles(derivation, outputPaths, fresh);
  const infoOf = (path: StorePath): ValidPathInfo | undefined => fresh.get(path) ?? store.queryPathInfo(path);
  for (const [name, path] of outputPaths) {
    const info = fresh.get(path);
    const checks = options.checksOf(name);
    if (info !== undefined && checks !== undefined) checkOutput(name, outputPaths, info, checks, infoOf, store.storeDirectory);
  }
}

/** Outputs that need each other could neither be registered nor deleted one after the other. */
function refuseCycles(
  derivation: Derivation, outputPaths: ReadonlyMap<string, StorePath>, fresh: ReadonlyMap<StorePath, ValidPathInfo>,
): void {
  const names = new Map([...outputPaths].map(([name, path]) => [path, name]));
  const done = new Set<StorePath>();
  const visit = (path: StorePath, above: readonly StorePath[]): void => {
    const from = above.at(-1);
    if (from !== undefined && above.includes(path)) {
      throw outputCycle(derivation.name, names.get(path) as string, names.get(from) as string);
    }
    if (done.has(path)) return;
    for (const reference of fresh.get(path)?.references ?? []) {
      if (reference !== path && names.has(reference)) visit(reference, [...above, path]);
    }
    done.add(path);
  };
  for (const path of outputPaths.values()) visit(path, []);
}

function checkOutput(
  output: string, outputPaths: ReadonlyMap<string, StorePath>, info: ValidPathInfo, checks: OutputChecks,
  infoOf: (path: StorePath) => ValidPathInfo | undefined, storeDirectory: string,
): void {
  const { path } = info;
  const closure = (): Map<StorePath, number> => closureWithSizes(path, infoOf);
  if (checks.maxSizeBytes !== undefined && info.narSizeBytes > checks.maxSizeBytes) {
    throw outputTooLarge(path, 'it', info.narSizeBytes, checks.maxSizeBytes);
  }
  if (checks.maxClosureSizeBytes !== undefined) {
    const sizeBytes = [...closure().values()].reduce((sum, size) => sum + size, 0);
    if (sizeBytes > checks.maxClosureSizeBytes) {
      throw outputTooLarge(path, 'its closure', sizeBytes, checks.maxClosureSizeBytes);
    }
  }
  const refuse = (list: readonly string[], used: readonly StorePath[], refuses: (isListed: boolean) => boolean): void => {
    const listed = new Set(list.map((specifier) => pathOf(output, outputPaths, specifier, storeDirectory)));
    const bad = used.filter((one) => refuses(listed.has(one)));
    if (bad.length > 0) throw pathsNotAllowed(path, bad.sort());
  };
  const requisites = (): StorePath[] => [...closure().keys()].filter((one) => one !== path || !checks.ignoresItself);
  const { references } = info;
  if (checks.allowedReferences) refuse(checks.allowedReferences, references, (isListed) => !isListed);
  if (checks.allowedRequisites) refuse(checks.allowedRequisites, requisites(), (isListed) => !isListed);
  if (checks.disallowedReferences?.length) refuse(checks.disallowedReferences, references, (isListed) => isListed);
  if (checks.disallowedRequisites?.length) refuse(checks.disallowedRequisites, requisites(), (isListed) => isListed);
}

function closureWithSizes(
  root: StorePath, infoOf: (path: StorePath) => ValidPathInfo | undefined,
): Map<StorePath, number> {
  const sizes = new Map<StorePath, number>();
  const left = [root];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (sizes.has(path)) continue;
    const info = infoOf(path);
    sizes.set(path, info?.narSizeBytes ?? 0);
    left.push(...(info?.references ?? []));
  }
  return sizes;
}

/** A specifier is a store path or the name of an output of the same derivation. */
function pathOf(
  output: string, outputPaths: ReadonlyMap<string, StorePath>, specifier: string,
  storeDirectory: string,
): StorePath {
  const path = maybeStorePath(specifier, storeDirectory);
  if (path !== undefined) return path;
  const own = outputPaths.get(specifier);
  if (own === undefined) throw unknownCheckedOutput(output, specifier, [...outputPaths.keys()]);
  return own;
}
