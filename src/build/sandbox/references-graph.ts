/**
 * `exportReferencesGraph`: what a builder is told of closures of its inputs, as the text that
 * `nix-store --register-validity` reads, or as JSON.
 *
 * A derivation in a closure stands for its outputs too.
 */
import { formatPrefixedHash } from '#base';
import { formatContentAddress, isDerivationPath, knownOutputPath, splitStorePath, type StorePath } from '#formats';
import type { Store } from '#store';
import { missingPath } from '../errors.ts';
import { JsonNumber, type ExactJson } from '../exact-json.ts';
import { notInInputs } from './errors.ts';

/** The closure of `paths`, each at or below a path of the inputs; sorted. */
export function exportedClosure(
  store: Store, paths: readonly string[], inputs: ReadonlySet<StorePath>,
): StorePath[] {
  const roots = paths.map((path) => {
    const root = splitStorePath(path, store.storeDirectory)?.storePath;
    if (root === undefined || !inputs.has(root)) throw notInInputs(path);
    return root;
  });
  const closure = store.closureOf(roots);
  const outputs: StorePath[] = [];
  for (const path of closure) {
    if (!isDerivationPath(path)) continue;
    for (const output of store.readDerivation(path).outputs.values()) {
      const made = knownOutputPath(output);
      if (made !== undefined) outputs.push(made);
    }
  }
  return outputs.length === 0 ? closure : store.closureOf([...closure, ...outputs]);
}

/** For a builder with plain attributes: path, deriver (none), number of references, references. */
export function registrationText(store: Store, paths: readonly StorePath[]): string {
  let text = '';
  for (const path of paths) {
    const references = [...infoOf(store, path).references].sort();
    text += `${path}\n\n${references.length}\n${references.map((one) => `${one}\n`).join('')}`;
  }
  return text;
}

/** For a builder with structured attributes. */
export function closureJson(store: Store, paths: readonly StorePath[]): ExactJson {
  return paths.map((path) => {
    const info = infoOf(store, path);
    const sizeBytes = store.closureOf([path]).reduce((sum, one) => sum + infoOf(store, one).narSizeBytes, 0);
    const members: [string, ExactJson][] = [
      ['path', path],
      ['narHash', formatPrefixedHash(info.narHash, 'nix32')],
      ['narSize', new JsonNumber(String(info.narSizeBytes))],
      ['closureSize', new JsonNumber(String(sizeBytes))],
      ['references', [...info.references].sort()],
      ['valid', true],
    ];
    if (info.contentAddress !== undefined) members.push(['ca', formatContentAddress(info.contentAddress)]);
    return new Map(members);
  });
}

function infoOf(store: Store, path: StorePath) {
  const info = store.queryPathInfo(path);
  if (info === undefined) throw missingPath(path);
  return info;
}
