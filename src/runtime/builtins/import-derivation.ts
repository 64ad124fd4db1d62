/**
 * Importing a derivation file from the store: what `derivation` would have returned for it, as far
 * as the file tells.
 */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import { mergeAttrs } from '../merge.ts';
import type { EvalServices } from '../services.ts';
import { Thunk } from '../thunk.ts';
import { ContextString, type Value } from '../values.ts';
import { isStorePath } from './paths.ts';

/** The derivation in the file at `path`; undefined unless that is a valid derivation file. */
export function importDerivation(services: EvalServices, path: string): Value | undefined {
  if (!path.endsWith('.drv') || !isStorePath(services, path)) return undefined;
  const { host } = services;
  if (!host.isValidPath(path)) return undefined;
  const { name, outputs } = host.readDerivation(path);
  const outputNames = [...outputs.keys()].sort((a, b) => (a < b ? -1 : 1));
  const common = Attrs.fromEntries([
    ['drvPath', new ContextString(path, [`=${path}`])],
    ['name', name],
    ['type', 'derivation'],
    ['all', new Thunk(() => outputNames.map((output) => outputSets.get(output)!))],
    ...outputNames.map((output): AttrsEntry => [
      output,
      new Thunk(() => outputSets.get(output)!),
    ]),
  ]);
  const outputSets = new Map<string, Attrs>();
  for (const [output, outputPath] of outputs) {
    const own = Attrs.fromEntries([
      ['outPath', new ContextString(outputPath, [`!${output}!${path}`])],
      ['outputName', output],
    ]);
    outputSets.set(output, mergeAttrs(common, own));
  }
  return outputSets.get(outputNames[0]!);
}
