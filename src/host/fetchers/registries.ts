/**
 * Flake registries: which input a short name stands for.
 *
 * Asked in order: what the command line says, the user's, the system's, the global one. The global
 * registry is read only where the setting `flake-registry` names one: no server is ever asked that
 * nobody named. Inputs in `flake.nix` are resolved by the first and the last only, so that a lock file
 * does not depend on whose machine made it.
 */

import { join } from 'node:path';
import { UserError } from '#base';
import { NixError } from '#diagnostics';
import {
  inputToUrl, isDirect, sameInput, withAttributes, withOverrides, type Input,
} from '#runtime';
import { addIndirectRoot, LocalStore } from '#store';
import { registryCycle, unknownFlake } from '../errors.ts';
import {
  readRegistry, systemRegistryFile, userRegistryFile, type RegistryEntry,
} from '../flakes/registry-file.ts';
import type { FetchContext } from './context.ts';
import { downloadFile } from './download.ts';

/** What a name stands for; `dir` is among the attributes if an entry names a folder. */
export async function resolveInRegistries(context: FetchContext, given: Input, isLimited: boolean): Promise<Input> {
  const entries = (await openRegistries(context, isLimited)).flatMap((registry) => registry.entries);
  let input = given;
  let directory = '';
  for (let steps = 0; ; steps++) {
    if (steps > 100) throw registryCycle(inputToUrl(given));
    const entry = entries.find(({ from, isExact }) => (isExact ? sameInput(from, input) : contains(from, input)));
    if (entry === undefined) break;
    ({ directory } = entry);
    input = entry.isExact ? entry.to : withOverrides(
      entry.to, added(entry.from, input, 'ref'), added(entry.from, input, 'rev'));
  }
  if (!isDirect(input)) throw unknownFlake(inputToUrl(input));
  return directory === '' ? input : withAttributes(input, { dir: directory });
}

/** Whether an entry is for the input: they are the same but for its branch and revision. */
function contains(from: Input, input: Input): boolean {
  return sameInput(from, input) || sameInput(from, withAttributes(input, { ref: undefined, rev: undefined }));
}

function added(from: Input, input: Input, name: string): string | undefined {
  const value = from.has(name) ? undefined : input.get(name);
  return value === undefined ? undefined : String(value);
}

/** A registry and what it is called. */
export interface OpenedRegistry {
  readonly kind: 'flags' | 'user' | 'system' | 'global';
  readonly entries: readonly RegistryEntry[];
}

/** In the order in which they are asked; one that cannot be read has no entries, and says so. */
export async function openRegistries(context: FetchContext, isLimited: boolean): Promise<OpenedRegistry[]> {
  const { environment } = context;
  const local = isLimited ? [] : [
    { kind: 'user', entries: read(context, userRegistryFile(environment)) } as const,
    { kind: 'system', entries: read(context, systemRegistryFile(environment)) } as const,
  ];
  const global = context.settings.text('flake-registry') ?? '';
  const entries = global === '' ? [] : read(context, await globalFile(context, global));
  return [{ kind: 'flags', entries: context.options.registryOverrides ?? [] }, ...local, { kind: 'global', entries }];
}

function read(context: FetchContext, file: string): RegistryEntry[] {
  try {
    return readRegistry(file);
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof NixError)) throw error;
    context.warn(error.message);
    return [];
  }
}

async function globalFile(context: FetchContext, place: string): Promise<string> {
  if (place.startsWith('/')) return place;
  const { storePath } = await downloadFile(context, place, 'flake-registry.json');
  // It is to be there when the network is not.
  if (context.store instanceof LocalStore) {
    addIndirectRoot(context.store, storePath, join(context.cacheDirectory, 'flake-registry.json'));
  }
  return context.store.physicalPath(storePath);
}
