/**
 * Realisations in caches: for an output whose path follows from its content, the path that a build
 * came to. `build-trace-v2/DERIVATION/OUTPUT.doi` holds it as JSON, with signatures over derivation,
 * output and path. Names of the derivation and the path stand there without the store's directory.
 */

import { baseNameOf, parseStorePath, signText, type NamedKey, type StorePath } from '#formats';
import type { Realisation } from '../store.ts';
import { badRealisation } from './errors.ts';

/** The file of an output, relative to the cache. */
export function realisationName(drvPath: StorePath, output: string): string {
  return `build-trace-v2/${baseNameOf(drvPath)}/${output}.doi`;
}

/** Throws BAD_REALISATION for what is none. */
export function parseRealisation(
  text: string, source: string, id: { readonly drvPath: StorePath; readonly output: string }, storeDirectory: string,
): Realisation {
  try {
    const json = JSON.parse(text) as { outPath: unknown; signatures?: unknown };
    const signatures = Array.isArray(json.signatures) ? json.signatures.filter((one) => typeof one === 'string') : [];
    return {
      ...id, path: parseStorePath(`${storeDirectory}/${String(json.outPath)}`, storeDirectory), signatures,
    };
  } catch {
    throw badRealisation(source);
  }
}

/** The content of the file, signed by the keys too. */
export function formatRealisation(realisation: Realisation, keys: readonly NamedKey[]): string {
  const { path, signatures } = signRealisation(realisation, keys);
  return JSON.stringify({ outPath: baseNameOf(path), signatures });
}

/** The same, signed by the keys too. */
export function signRealisation(realisation: Realisation, keys: readonly NamedKey[]): Realisation {
  const own = keys.map((key) => signText(realisationFingerprint(realisation), key));
  return { ...realisation, signatures: [...new Set([...realisation.signatures, ...own])].sort() };
}

/** What signatures are made over. */
export function realisationFingerprint({ drvPath, output, path }: Realisation): string {
  return JSON.stringify({
    key: { drvPath: baseNameOf(drvPath), outputName: output }, value: { outPath: baseNameOf(path) },
  });
}
