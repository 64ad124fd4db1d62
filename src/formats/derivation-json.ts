/**
 * Derivations as JSON, in C++ Nix's form of version 4: what `nix derivation show` prints and
 * `nix derivation add` reads. Store paths stand without their directory.
 *
 * Integers of structured attributes keep their digits, however many there are.
 */

import { decodeUtf8, encodeUtf8, formatHash, isHashAlgorithm, parseSriHash } from '#base';
import type { IngestionMethod } from './content-address.ts';
import type { Derivation, DerivationOutput } from './derivation.ts';
import type { DynamicOutputs, UsedOutputs } from './dynamic-inputs.ts';
import { badDerivation } from './nix-errors.ts';
import {
  baseNameOf, makeContentAddressedPath, noReferences, outputPathName, parseStorePath, type StorePath,
} from './store-path.ts';

export const derivationJsonVersion = 4;

/** A value for `JSON.stringify`. */
export function derivationToJson(derivation: Derivation): object {
  const { env } = derivation;
  const structured = env.get('__json');
  return {
    name: decodeUtf8(derivation.name),
    version: derivationJsonVersion,
    outputs: Object.fromEntries([...derivation.outputs].map(([name, output]) => [name, outputToJson(output)])),
    inputs: {
      srcs: derivation.inputSources.map(baseNameOf),
      drvs: Object.fromEntries([...derivation.inputDerivations].map(([path, outputs]) =>
        [baseNameOf(path), usedToJson({ outputs, dynamic: derivation.dynamicInputs?.get(path) })])),
    },
    system: decodeUtf8(derivation.system),
    builder: decodeUtf8(derivation.builder),
    args: derivation.args.map(decodeUtf8),
    env: Object.fromEntries([...env].filter(([name]) => name !== '__json')
      .map(([name, value]) => [decodeUtf8(name), decodeUtf8(value)])),
    ...(structured === undefined ? {} : { structuredAttrs: parseExactly(decodeUtf8(structured)) }),
  };
}

/** Reads such a JSON text; output paths that are not given are left open (`deferred`). */
export function derivationFromJson(text: string, directory: string): Derivation {
  let json: Json;
  try {
    json = objectOf(parseExactly(text), 'the derivation');
  } catch (error) {
    throw error instanceof SyntaxError ? badDerivation('JSON', error.message) : error;
  }
  const name = textAt(json, 'name');
  if (json['version'] !== derivationJsonVersion) {
    throw badDerivation(name, `Unsupported derivation JSON format version ${String(json['version'])}, `
      + `only format version ${derivationJsonVersion} is currently supported.`);
  }
  const inputs = objectOf(json['inputs'], 'inputs');
  const path = (base: string) => parseStorePath(`${directory}/${base}`, directory);
  const drvs = Object.entries(objectOf(inputs['drvs'], 'drvs'));
  const dynamicInputs = sorted(drvs.flatMap(([base, value]): [StorePath, DynamicOutputs][] => {
    const dynamic = dynamicFromJson(objectOf(value, base), base);
    return dynamic === undefined ? [] : [[path(base), dynamic]];
  }));
  const structured = json['structuredAttrs'];
  const env = Object.entries(objectOf(json['env'], 'env'))
    .map(([key, value]): [string, string] => [encodeUtf8(key), encodeUtf8(String(value))]);
  if (structured !== undefined) env.push(['__json', encodeUtf8(JSON.stringify(structured))]);
  return {
    name: encodeUtf8(name),
    outputs: sorted(Object.entries(objectOf(json['outputs'], 'outputs'))
      .map(([output, value]) => [output, outputFromJson(name, output, objectOf(value, output), directory)])),
    inputSources: listAt(inputs, 'srcs').map(path).sort(),
    inputDerivations: sorted(drvs.map(([base, value]): [StorePath, string[]] =>
      [path(base), listAt(objectOf(value, base), 'outputs').sort()])),
    ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }),
    system: encodeUtf8(textAt(json, 'system')),
    builder: encodeUtf8(textAt(json, 'builder')),
    args: listAt(json, 'args').map(encodeUtf8),
    env: sorted(env),
  };
}

function usedToJson({ outputs, dynamic }: {
  readonly outputs: readonly string[]; readonly dynamic?: DynamicOutputs | undefined;
}): object {
  return {
    outputs: [...outputs],
    dynamicOutputs: Object.fromEntries([...dynamic ?? []].map(([name, used]) => [name, usedToJson(used)])),
  };
}

function dynamicFromJson(json: Json, what: string): DynamicOutputs | undefined {
  const entries = Object.entries(objectOf(json['dynamicOutputs'] ?? {}, `'dynamicOutputs' of ${what}`));
  if (entries.length === 0) return undefined;
  return sorted(entries.map(([name, value]): [string, UsedOutputs] => {
    const used = objectOf(value, name);
    const dynamic = dynamicFromJson(used, name);
    return [name, { outputs: listAt(used, 'outputs').sort(), ...(dynamic === undefined ? {} : { dynamic }) }];
  }));
}

type Json = Readonly<Record<string, unknown>>;

const methodNames: Readonly<Record<IngestionMethod, string>> = { recursive: 'nar', flat: 'flat', text: 'text', git: 'git' };

function outputToJson(output: DerivationOutput): object {
  switch (output.kind) {
    case 'input-addressed': return { path: baseNameOf(output.path) };
    case 'fixed': return { method: methodNames[output.method], hash: formatHash(output.hash, 'sri') };
    case 'floating': return { method: methodNames[output.method], hashAlgo: output.algorithm };
    case 'impure': return { method: methodNames[output.method], hashAlgo: output.algorithm, impure: true };
    case 'deferred': return {};
  }
}

function outputFromJson(name: string, output: string, json: Json, directory: string): DerivationOutput {
  const keys = Object.keys(json).sort().join(' ');
  switch (keys) {
    case '': return { kind: 'deferred' };
    case 'path': return { kind: 'input-addressed', path: parseStorePath(`${directory}/${textAt(json, 'path')}`, directory) };
    case 'hash method': {
      const method = methodOf(name, textAt(json, 'method'));
      const hash = parseSriHash(textAt(json, 'hash'));
      const path = makeContentAddressedPath(
        outputPathName(encodeUtf8(name), output), { method, hash }, noReferences, directory);
      return { kind: 'fixed', path, method, hash };
    }
    case 'hashAlgo method':
    case 'hashAlgo impure method': {
      const algorithm = textAt(json, 'hashAlgo');
      if (!isHashAlgorithm(algorithm)) throw badDerivation(name, `unknown hash algorithm '${algorithm}'`);
      return { kind: keys.includes('impure') ? 'impure' : 'floating', method: methodOf(name, textAt(json, 'method')), algorithm };
    }
    default: throw badDerivation(name, 'invalid JSON for derivation output');
  }
}

function methodOf(derivation: string, name: string): IngestionMethod {
  const found = (Object.keys(methodNames) as IngestionMethod[]).find((method) => methodNames[method] === name);
  if (found === undefined) throw badDerivation(derivation, `unknown content address method '${name}'`);
  return found;
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw badDerivation('JSON', `${what} is not an object`);
}

function textAt(json: Json, key: string): string {
  const value = json[key];
  if (typeof value === 'string') return value;
  throw badDerivation('JSON', `'${key}' is not a string`);
}

function listAt(json: Json, key: string): string[] {
  const value = json[key];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return [...value] as string[];
  throw badDerivation('JSON', `'${key}' is not a list of strings`);
}

function sorted<Key extends string, Value>(entries: readonly (readonly [Key, Value])[]): Map<Key, Value> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Numbers that JavaScript's would round stay as they are written. */
function parseExactly(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const revive = (_key: string, value: unknown, { source }: { source?: string } = {}): unknown =>
    (typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value);
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}
