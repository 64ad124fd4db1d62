/**
 * Resolving: a derivation whose inputs are built, written anew with their paths as its sources.
 *
 * Where an input's path follows from its content, the derivation says a placeholder. With the paths
 * in their place it depends on nothing that is still to be made, and two derivations that differ
 * only in how their inputs come about become one. Paths that waited for its inputs' are filled in.
 */

import { outputHashModulo } from './derivation-modulo.ts';
import { knownOutputPath, type Derivation, type DerivationOutput } from './derivation.ts';
import { downstreamPlaceholder, makeOutputPath, type StorePath } from './store-path.ts';

/** The paths of outputs, by derivation and name. */
export type OutputPaths = ReadonlyMap<StorePath, ReadonlyMap<string, StorePath>>;

/** Whether some output's path is not known before the build. */
export function hasUnknownPaths(derivation: Derivation): boolean {
  return [...derivation.outputs.values()].some((output) => knownOutputPath(output) === undefined);
}

export function isImpure(derivation: Derivation): boolean {
  return [...derivation.outputs.values()].some((output) => output.kind === 'impure');
}

export interface ResolveOptions {
  readonly directory?: string;
  /** The paths of dynamic inputs, by their placeholders. */
  readonly dynamic?: ReadonlyMap<string, StorePath>;
}

/** `inputs` has all the outputs that the derivation uses. */
export function resolveDerivation(derivation: Derivation, inputs: OutputPaths, options: ResolveOptions = {}): Derivation {
  const sources = new Set(derivation.inputSources);
  const replacements = new Map<string, string>();
  for (const [drvPath, names] of derivation.inputDerivations) {
    for (const name of names) {
      const path = inputs.get(drvPath)?.get(name);
      if (path === undefined) continue;
      sources.add(path);
      replacements.set(downstreamPlaceholder(drvPath, name), path);
    }
  }
  for (const [placeholder, path] of options.dynamic ?? []) {
    sources.add(path);
    replacements.set(placeholder, path);
  }
  const rewrite = rewriter(replacements);
  const resolved = {
    name: derivation.name,
    outputs: new Map(derivation.outputs),
    inputDerivations: new Map<StorePath, readonly string[]>(),
    inputSources: [...sources].sort(),
    system: derivation.system,
    builder: rewrite(derivation.builder),
    args: derivation.args.map(rewrite),
    env: new Map([...derivation.env].map(([name, value]) => [rewrite(name), rewrite(value)])),
  };
  fillDeferred(resolved, options.directory);
  return resolved;
}

function fillDeferred(
  derivation: Derivation & { readonly outputs: Map<string, DerivationOutput>; readonly env: Map<string, string> },
  directory: string | undefined,
): void {
  const deferred = [...derivation.outputs].filter(([, output]) => output.kind === 'deferred');
  if (deferred.length === 0) return;
  const modulo = outputHashModulo(derivation, () => ({ kind: 'regular', hash: '' })) as string;
  for (const [name] of deferred) {
    const path = makeOutputPath(name, modulo, derivation.name, directory);
    derivation.outputs.set(name, { kind: 'input-addressed', path });
    derivation.env.set(name, path);
  }
}

function rewriter(replacements: ReadonlyMap<string, string>): (text: string) => string {
  if (replacements.size === 0) return (text) => text;
  const pattern = new RegExp([...replacements.keys()].join('|'), 'g');
  return (text) => text.replace(pattern, (found) => replacements.get(found) as string);
}
