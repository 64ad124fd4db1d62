/** Fetching a flake's tree and reading its `flake.nix`, or reading one that lies in a tree already. */

import { NixError } from '#diagnostics';
import {
  fetchInput, inputSettings, inputToJson, inputToUrl, isDirect, printReference, resolveInput, sameReference,
  textAttribute, withAttributes, type EvalServices, type FetchResult, type FlakeReference,
  type Input, type Registries,
} from '#runtime';
import { readFlake, type Flake } from './flake-file.ts';
import type { InputPath } from './lock-graph.ts';

/** `none` refuses names that a registry would have to resolve. */
export type RegistryUse = Registries | 'none';

export interface FetchedInput {
  readonly resolved: Input;
  readonly locked: Input;
  readonly storePath: string;
  /** Folder in the tree that a registry's entry names. */
  readonly directory: string | undefined;
}

/** What was fetched in this evaluation: the same reference means the same tree throughout. */
export class InputCache {
  readonly #services: EvalServices;
  readonly #fetched = new Map<string, FetchedInput>();

  constructor(services: EvalServices) {
    this.#services = services;
  }

  fetch(input: Input, registries: RegistryUse): FetchedInput {
    const key = inputToJson(input);
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const found = this.#fetch(input, registries);
    this.#fetched.set(key, found);
    return found;
  }

  /** Forgets everything: a tree was changed. */
  clear(): void {
    this.#fetched.clear();
  }

  #fetch(input: Input, registries: RegistryUse): FetchedInput {
    if (isDirect(input)) return asFetched(input, fetchInput(this.#services, input), undefined);
    if (registries === 'none') {
      throw new NixError(
        'Error', `'${inputToUrl(input)}' is an indirect flake reference, but registry lookups are not allowed`);
    }
    const found = resolveInput(this.#services, input, registries);
    const directory = textAttribute(found, 'dir');
    const resolved = withAttributes(found, { dir: undefined });
    const { storePath, locked } = this.fetch(resolved, 'none');
    return { resolved, locked, storePath, directory };
  }
}

function asFetched(resolved: Input, { storePath, attributes }: FetchResult, directory: string | undefined): FetchedInput {
  return { resolved, locked: attributes, storePath, directory };
}

/** Fetches a flake and reads it; once more if `inputs.self` says how it wants to be fetched. */
export function fetchFlake(
  services: EvalServices, cache: InputCache, original: FlakeReference, registries: RegistryUse, inputPath: InputPath,
): Flake {
  const fetched = cache.fetch(original.input, registries);
  const directory = fetched.directory ?? original.directory;
  const resolved = { input: fetched.resolved, directory };
  const locked = { input: fetched.locked, directory };
  const flake = readFlake(services, { original, resolved, locked, folder: below(fetched.storePath, directory), inputPath });
  const wanted = withSelfAttributes(locked, flake);
  if (sameReference(locked, wanted)) return flake;
  services.host.progress.message('debug', `refetching input '${printReference(wanted)}' due to self attribute`);
  const again = cache.fetch(withAttributes(wanted.input, { narHash: undefined, __final: undefined }), 'none');
  return readFlake(services, {
    original, resolved, locked: { input: again.locked, directory }, folder: below(again.storePath, directory), inputPath,
  });
}

function withSelfAttributes(locked: FlakeReference, flake: Flake): FlakeReference {
  const input = new Map(locked.input);
  for (const [name, value] of flake.selfAttributes) {
    if (name !== 'submodules' && name !== 'lfs') {
      throw new NixError('Error', `flake 'self' attribute '${name}' is not supported`);
    }
    input.set(name, value);
  }
  return { ...locked, input };
}

export function below(folder: string, inner: string): string {
  return inner === '' ? folder : `${folder}/${inner}`;
}

/** A reference that stands for a flake which is named by its folder only. */
export function folderReference(services: EvalServices): FlakeReference {
  inputSettings(services).requireFeature('flakes');
  return { input: new Map([['type', 'indirect'], ['id', 'get-flake']]), directory: '' };
}
