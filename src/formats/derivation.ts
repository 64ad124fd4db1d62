/**
 * Derivations, and their text form, the ATerm of `.drv` files.
 *
 * The printed form is hashed into store paths, so each byte matters: sets and maps are printed in
 * byte order, strings escape only `"`, `\`, newline, carriage return and tab. Specification:
 * "Derivation ATerm Format" of the Nix manual. All strings are byte strings.
 */

import { encodeHex, type Hash, type HashAlgorithm } from '#base';
import { formatMethodAlgorithm, type IngestionMethod } from './content-address.ts';
import type { DynamicOutputs, UsedOutputs } from './dynamic-inputs.ts';
import { makeTextPath, type StorePath } from './store-path.ts';

export type DerivationOutput =
  /** The path follows from the derivation. */
  | { readonly kind: 'input-addressed'; readonly path: StorePath }
  /** The content is known beforehand, and so is the path. */
  | { readonly kind: 'fixed'; readonly path: StorePath; readonly method: IngestionMethod; readonly hash: Hash }
  /** The path follows from the content, after the build. */
  | { readonly kind: 'floating'; readonly method: IngestionMethod; readonly algorithm: HashAlgorithm }
  /** As floating, and built anew each time. */
  | { readonly kind: 'impure'; readonly method: IngestionMethod; readonly algorithm: HashAlgorithm }
  /** Input-addressed, but an input's path is not known yet. */
  | { readonly kind: 'deferred' };

export interface Derivation {
  /** Without `.drv`. */
  readonly name: string;
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Paths of derivations and the outputs of each that are used. */
  readonly inputDerivations: ReadonlyMap<StorePath, readonly string[]>;
  /** Outputs used of outputs that are derivations. Each key is one of `inputDerivations` too; never empty. */
  readonly dynamicInputs?: ReadonlyMap<StorePath, DynamicOutputs>;
  readonly inputSources: readonly StorePath[];
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** The content of the `.drv` file. */
export function printDerivation(derivation: Derivation): string {
  return printParts(derivation, derivation.inputDerivations, false);
}

/**
 * As `printDerivation` with other keys in place of the input derivations' paths, and if `masked`
 * with the outputs' paths and variables left empty.
 */
export function printParts(
  derivation: Derivation, inputs: ReadonlyMap<string, readonly string[]>, masked: boolean,
): string {
  return printHead(derivation, inputs, masked) + printTail(derivation, masked);
}

/** The text up to the input derivations: what differs between a `.drv` file and what is hashed. */
export function printHead(
  derivation: Derivation, inputs: ReadonlyMap<string, readonly string[]>, masked: boolean,
): string {
  const { outputs, dynamicInputs } = derivation;
  let text = dynamicInputs === undefined ? 'Derive([' : 'DrvWithVersion("xp-dyn-drv",[';
  let separator = '';
  for (const name of sortedKeys(outputs)) {
    const output = outputs.get(name) as DerivationOutput;
    const printed = masked && output.kind === 'input-addressed' ? deferredOutput : output;
    text += `${separator}("${name}",${printOutput(printed)})`;
    separator = ',';
  }
  text += '],[';
  separator = '';
  for (const key of sortedKeys(inputs)) {
    const dynamic = dynamicInputs?.get(key as StorePath);
    text += `${separator}("${key}",${printUsed({
      outputs: inputs.get(key) as readonly string[], ...(dynamic === undefined ? {} : { dynamic }),
    })})`;
    separator = ',';
  }
  return text;
}

/** The rest of the text, from the input sources on. */
export function printTail(derivation: Derivation, masked: boolean): string {
  const { outputs, env } = derivation;
  let text = `],${printList(sorted(derivation.inputSources))},${quote(derivation.system)}`
    + `,${quote(derivation.builder)},[`;
  let separator = '';
  for (const arg of derivation.args) {
    text += separator + quote(arg);
    separator = ',';
  }
  text += '],[';
  separator = '';
  for (const name of sortedKeys(env)) {
    const value = masked && outputs.has(name) ? '""' : quote(env.get(name) as string);
    text += `${separator}(${quote(name)},${value})`;
    separator = ',';
  }
  return `${text}])`;
}

/** The references of the `.drv` file: all inputs, sorted. */
export function derivationReferences(derivation: Derivation): StorePath[] {
  return [...new Set([...derivation.inputDerivations.keys(), ...derivation.inputSources])].sort();
}

/** Where the `.drv` file stands in the store. */
export function derivationPath(derivation: Derivation, text: string, directory?: string): StorePath {
  return makeTextPath(`${derivation.name}.drv`, text, derivationReferences(derivation), directory);
}

/** The path of an output, where it is known before the build. */
export function knownOutputPath(output: DerivationOutput): StorePath | undefined {
  return output.kind === 'input-addressed' || output.kind === 'fixed' ? output.path : undefined;
}

const deferredOutput: DerivationOutput = { kind: 'deferred' };

function printOutput(output: DerivationOutput): string {
  switch (output.kind) {
    case 'input-addressed': return `"${output.path}","",""`;
    case 'fixed':
      return `"${output.path}","${formatMethodAlgorithm(output.method, output.hash.algorithm)}"`
        + `,"${encodeHex(output.hash.bytes)}"`;
    case 'floating': return `"","${formatMethodAlgorithm(output.method, output.algorithm)}",""`;
    case 'impure': return `"","${formatMethodAlgorithm(output.method, output.algorithm)}","impure"`;
    case 'deferred': return '"","",""';
  }
}

function printUsed({ outputs, dynamic }: UsedOutputs): string {
  const list = printList(sorted(outputs));
  if (dynamic === undefined) return list;
  const nodes = sortedKeys(dynamic).map((name) => `("${name}",${printUsed(dynamic.get(name) as UsedOutputs)})`);
  return `(${list},[${nodes.join(',')}])`;
}

/** A list of texts that need no escaping: paths and output names. */
function printList(items: readonly string[]): string {
  return items.length === 0 ? '[]' : `["${items.join('","')}"]`;
}

function quote(text: string): string {
  return special.test(text) ? `"${text.replace(allSpecial, (found) => escapes[found] as string)}"` : `"${text}"`;
}

const special = /["\\\n\r\t]/;
const allSpecial = /["\\\n\r\t]/g;
const escapes: Readonly<Record<string, string>> = {
  '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t',
};

function sortedKeys(map: ReadonlyMap<string, unknown>): readonly string[] {
  return sorted([...map.keys()]);
}

/** The items in byte order; the same array if they already are. */
function sorted<T extends string>(items: readonly T[]): readonly T[] {
  for (let i = 1; i < items.length; i++) {
    if ((items[i - 1] as T) > (items[i] as T)) return [...items].sort();
  }
  return items;
}
