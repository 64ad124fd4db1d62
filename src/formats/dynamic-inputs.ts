/**
 * Dynamic derivations: inputs that are outputs of derivations which are themselves made by a build.
 *
 * An output that is a derivation's file can be built in turn. A derivation that uses an output of
 * such a one says so as a tree below the derivation that comes first: per output that is a
 * derivation, which outputs of that are used. Where the path would stand stands a placeholder, made
 * of the placeholder of the derivation. Specification: C++ Nix's "Dynamic Derivations" and the ATerm
 * form `DrvWithVersion("xp-dyn-drv",…)`.
 */

import { compressHash, encodeNix32, hashOf } from '#base';
import { downstreamPlaceholderHash, type StorePath } from './store-path.ts';

/** What is used of a derivation: outputs, and outputs of those outputs that are derivations. */
export interface UsedOutputs {
  readonly outputs: readonly string[];
  readonly dynamic?: DynamicOutputs;
}

/** By name of an output that is a derivation, what is used of that; never empty. */
export type DynamicOutputs = ReadonlyMap<string, UsedOutputs>;

/** One output that is used through others: `chain` names the outputs from `drvPath` on, at least two. */
export interface DynamicUse {
  readonly drvPath: StorePath;
  readonly chain: readonly string[];
}

/** Every such output that a derivation uses. */
export function dynamicUses(inputs: ReadonlyMap<StorePath, DynamicOutputs>): DynamicUse[] {
  return [...inputs].flatMap(([drvPath, dynamic]) => chainsIn(dynamic).map((chain) => ({ drvPath, chain })));
}

function chainsIn(dynamic: DynamicOutputs): string[][] {
  return [...dynamic].flatMap(([name, used]) => [
    ...used.outputs.map((output) => [name, output]),
    ...chainsIn(used.dynamic ?? new Map()).map((chain) => [name, ...chain]),
  ]);
}

/** The trees that the uses make, keys and names sorted. */
export function dynamicInputsOf(uses: readonly DynamicUse[]): Map<StorePath, DynamicOutputs> {
  const groups = groupBy(uses, ({ drvPath }) => drvPath);
  return new Map([...groups].map(([drvPath, of]) => [drvPath, outputsOf(of.map(({ chain }) => chain))]));
}

function outputsOf(chains: readonly (readonly string[])[]): DynamicOutputs {
  const groups = groupBy(chains, ([first]) => first as string);
  return new Map([...groups].map(([name, of]): [string, UsedOutputs] => {
    const rests = of.map((chain) => chain.slice(1));
    const deeper = rests.filter((rest) => rest.length > 1);
    const outputs = [...new Set(rests.filter((rest) => rest.length === 1).map(([output]) => output as string))].sort();
    return [name, { outputs, ...(deeper.length === 0 ? {} : { dynamic: outputsOf(deeper) }) }];
  }));
}

function groupBy<Item, Key extends string>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...groups.get(keyOf(item)) ?? [], item]);
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What stands in other derivations for such an output. */
export function dynamicPlaceholder({ drvPath, chain }: DynamicUse): string {
  const [first = '', ...rest] = chain;
  let hash = downstreamPlaceholderHash(drvPath, first);
  for (const output of rest) {
    hash = hashOf('sha256', `nix-computed-output:${encodeNix32(compressHash(hash, 20))}:${output}`).bytes;
  }
  return `/${encodeNix32(hash)}`;
}

/** Reads the context element `!output!DERIVATION`, the derivation a path or such an element itself. */
export function parseBuiltElement(element: string): DynamicUse {
  const parts = element.slice(1).split('!');
  const drvPath = parts.pop() as StorePath;
  const chain = parts.filter((part) => part !== '').reverse();
  return { drvPath, chain };
}
