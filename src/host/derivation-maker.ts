/**
 * Makes derivations of what the evaluator asks for: output paths, text and path of the `.drv`.
 *
 * Nothing is read or written here but through `DerivationSource`; what is made is kept in memory, so
 * that a derivation's inputs, which were nearly always made in the same run, are at hand. The
 * expensive parts of the text are printed once and used in each of the texts that are hashed.
 */

import { parseHash, reachable, sha256Hex, hashLengths, parseHashAlgorithm, type Hash } from '#base';
import {
  derivationReferences, downstreamPlaceholder, dynamicInputsOf, hashModulo, isDerivationPath, knownOutputPath,
  makeContentAddressedPath, makeOutputPath, makeTextPath, moduloFinder, noReferences, outputPathName,
  outputPlaceholder, parseBuiltElement, printHead, printTail, replaceInputs, type Derivation, type DerivationOutput,
  type DynamicOutputs, type DynamicUse, type HashModulo, type StorePath,
} from '#formats';
import type { DerivationRequest, InstantiatedDerivation } from '#eval';

/** What is known of derivations and paths that were not made here. */
export interface DerivationSource {
  readDerivation(drvPath: StorePath): Derivation;
  /** What a path, valid or about to be, refers to. */
  referencesOf(path: StorePath): readonly StorePath[];
}

/** A derivation with the text of its file. */
export interface MadeDerivation extends InstantiatedDerivation {
  readonly drvPath: StorePath;
  readonly derivation: Derivation;
  readonly text: string;
  readonly references: readonly StorePath[];
}

/** Hashes modulo of derivations, by paths. */
export type KnownModulos = ReadonlyMap<StorePath, HashModulo>;

export class DerivationMaker {
  readonly #source: DerivationSource;
  readonly #storeDirectory: string;
  readonly #warn: (text: string) => void;
  readonly #modulos = new Map<StorePath, HashModulo>();
  readonly #find = moduloFinder((drvPath) => this.#source.readDerivation(drvPath), this.#modulos);

  /** `known` are those of derivations that were made before, and need not be read for theirs. */
  constructor(
    source: DerivationSource, storeDirectory: string, warn: (text: string) => void, known?: KnownModulos,
  ) {
    this.#source = source;
    this.#storeDirectory = storeDirectory;
    this.#warn = warn;
    for (const [path, modulo] of known ?? []) this.#modulos.set(path, modulo);
  }

  get modulos(): KnownModulos {
    return this.#modulos;
  }

  make(request: DerivationRequest): MadeDerivation {
    const { inputDerivations, dynamicInputs, inputSources } = this.#inputsOf(request.context);
    const env = new Map(request.env);
    const outputs = new Map<string, DerivationOutput>();
    const base = {
      name: request.name, outputs, inputDerivations, ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }),
      inputSources, system: request.system, builder: request.builder, args: request.args, env,
    };
    let inputs: Map<string, readonly string[]> | undefined;
    if (request.fixedOutput !== undefined) {
      const output = this.#fixedOutput(request, request.fixedOutput);
      outputs.set('out', output);
      env.set('out', output.path);
    } else if (request.contentAddressed !== undefined || request.impure !== undefined) {
      const { hashAlgorithm, mode } = (request.impure ?? request.contentAddressed) as NonNullable<typeof request.impure>;
      const kind = request.impure === undefined ? 'floating' : 'impure';
      for (const name of request.outputs) {
        outputs.set(name, { kind, method: mode, algorithm: parseHashAlgorithm(hashAlgorithm) });
        env.set(name, outputPlaceholder(name));
      }
    } else {
      for (const name of request.outputs) {
        outputs.set(name, { kind: 'deferred' });
        env.set(name, '');
      }
      inputs = this.#fillOutputs(base);
    }
    return this.#finish(base, inputs);
  }

  /** Computes the output paths; returns the replaced inputs, or nothing if the paths stay open. */
  #fillOutputs(base: Derivation & {
    readonly outputs: Map<string, DerivationOutput>; readonly env: Map<string, string>;
  }): Map<string, readonly string[]> | undefined {
    const inputs = replaceInputs(base, this.#find);
    if (inputs === undefined) return undefined;
    const modulo = sha256Hex(printHead(base, inputs, true) + printTail(base, true));
    for (const name of [...base.outputs.keys()]) {
      const path = makeOutputPath(name, modulo, base.name, this.#storeDirectory);
      base.outputs.set(name, { kind: 'input-addressed', path });
      base.env.set(name, path);
    }
    return inputs;
  }

  #finish(derivation: Derivation, inputs: ReadonlyMap<string, readonly string[]> | undefined): MadeDerivation {
    const tail = printTail(derivation, false);
    const text = printHead(derivation, derivation.inputDerivations, false) + tail;
    const references = derivationReferences(derivation);
    const drvPath = makeTextPath(`${derivation.name}.drv`, text, references, this.#storeDirectory);
    if (!this.#modulos.has(drvPath)) {
      this.#modulos.set(drvPath, inputs === undefined ? hashModulo(derivation, this.#find)
        : { kind: 'regular', hash: sha256Hex(printHead(derivation, inputs, false) + tail) });
    }
    return { drvPath, derivation, text, references, outputs: outputPlaces(drvPath, derivation.outputs) };
  }

  #fixedOutput(
    request: DerivationRequest, fixed: NonNullable<DerivationRequest['fixedOutput']>,
  ): Extract<DerivationOutput, { kind: 'fixed' }> {
    const hash = this.#parseOutputHash(fixed.hash, fixed.hashAlgorithm);
    const path = makeContentAddressedPath(
      outputPathName(request.name, 'out'), { method: fixed.mode, hash }, noReferences, this.#storeDirectory);
    return { kind: 'fixed', path, method: fixed.mode, hash };
  }

  #parseOutputHash(text: string, algorithmText: string | undefined): Hash {
    const algorithm = algorithmText === undefined ? undefined : parseHashAlgorithm(algorithmText);
    if (text !== '' || algorithm === undefined) return parseHash(text, algorithm);
    const hash = { algorithm, bytes: new Uint8Array(hashLengths[algorithm]) };
    this.#warn(`found empty hash, assuming '${algorithm}-${btoa('\0'.repeat(hash.bytes.length))}'`);
    return hash;
  }

  /** The inputs that the contexts of a derivation's strings say. */
  #inputsOf(context: readonly string[]): {
    inputDerivations: Map<StorePath, readonly string[]>; dynamicInputs: Map<StorePath, DynamicOutputs>;
    inputSources: StorePath[];
  } {
    const uses: DynamicUse[] = [];
    const outputs = new Map<StorePath, Set<string>>();
    const sources = new Set<StorePath>();
    const add = (drvPath: StorePath, names: Iterable<string>) => {
      let set = outputs.get(drvPath);
      if (set === undefined) outputs.set(drvPath, set = new Set());
      for (const name of names) set.add(name);
    };
    for (const element of context) {
      if (element.startsWith('!')) {
        const { drvPath, chain } = parseBuiltElement(element);
        add(drvPath, chain.length === 1 ? chain : []);
        if (chain.length > 1) uses.push({ drvPath, chain });
      } else if (element.startsWith('=')) {
        for (const path of this.#closureOf(element.slice(1) as StorePath)) {
          sources.add(path);
          if (isDerivationPath(path)) add(path, this.#source.readDerivation(path).outputs.keys());
        }
      } else {
        sources.add(element as StorePath);
      }
    }
    const inputDerivations = new Map<StorePath, readonly string[]>();
    for (const drvPath of [...outputs.keys()].sort()) {
      inputDerivations.set(drvPath, [...outputs.get(drvPath) as Set<string>].sort());
    }
    return { inputDerivations, dynamicInputs: dynamicInputsOf(uses), inputSources: [...sources].sort() };
  }

  #closureOf(path: StorePath): Set<StorePath> {
    return reachable([path], (one) => this.#source.referencesOf(one));
  }
}

/** The outputs' paths, or what stands for those that only a build will tell. */
export function outputPlaces(
  drvPath: StorePath, outputs: ReadonlyMap<string, DerivationOutput>,
): Map<string, string> {
  const places = new Map<string, string>();
  for (const [name, output] of outputs) {
    places.set(name, knownOutputPath(output) ?? downstreamPlaceholder(drvPath, name));
  }
  return places;
}
