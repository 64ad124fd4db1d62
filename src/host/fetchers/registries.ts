/**
 * Flake registries: which input a short name stands for.
 *
 * Asked in order: the user's, the system's, the global one. The global registry is read only where
 * the setting `flake-registry` names one: no server is ever asked that nobody named. Inputs in
 * `flake.nix` are resolved by the global one only, so that a lock file does not depend on whose
 * machine made it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8 } from '#base';
import {
  checkedInput, inputToUrl, isDirect, sameInput, withAttributes, withOverrides, type FetchAttribute, type Input,
  type InputSettings,
} from '#runtime';
import { registryCycle, unknownFlake } from '../errors.ts';
import type { FetchContext } from './context.ts';
import { downloadFile } from './download.ts';

interface RegistryEntry {
  readonly from: Input;
  readonly to: Input;
  /** Folder in the tree; empty for its top. */
  readonly directory: string;
  readonly isExact: boolean;
}

const settings: InputSettings = { requireFeature: () => {}, trustForges: true };

/** What a name stands for; `dir` is among the attributes if an entry names a folder. */
export async function resolveInRegistries(context: FetchContext, given: Input, isLimited: boolean): Promise<Input> {
  const registries = await openRegistries(context, isLimited);
  let input = given;
  let directory = '';
  for (let steps = 0; ; steps++) {
    if (steps > 100) throw registryCycle(inputToUrl(given));
    const entry = registries.find(({ from, isExact }) => (isExact ? sameInput(from, input) : contains(from, input)));
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

async function openRegistries(context: FetchContext, isLimited: boolean): Promise<RegistryEntry[]> {
  const { environment } = context;
  const configuration = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] ?? '/', '.config');
  const user = join(environment['NIX_CONFIG_HOME'] || join(configuration, 'nix'), 'registry.json');
  const system = join(environment['NIX_CONF_DIR'] ?? '/etc/nix', 'registry.json');
  const flags = flagEntries(context);
  const local = isLimited ? [] : [user, system].flatMap((file) => readRegistry(context, file));
  const global = context.settings.text('flake-registry') ?? '';
  return [...flags, ...local, ...(global === '' ? [] : readRegistry(context, await globalFile(context, global)))];
}

/** What `--inputs-from` made of another flake's lock file. */
function flagEntries(context: FetchContext): RegistryEntry[] {
  const text = context.settings.text('flag-registry');
  return text === undefined ? [] : parseRegistry(JSON.parse(text) as RegistryJson);
}

async function globalFile(context: FetchContext, place: string): Promise<string> {
  if (place.startsWith('/')) return place;
  const { storePath } = await downloadFile(context, place, 'flake-registry.json');
  return context.store.physicalPath(storePath);
}

interface RegistryJson {
  readonly version?: unknown;
  readonly flakes?: readonly { readonly from?: object; readonly to?: object; readonly exact?: unknown }[];
}

/** Entries of a file; one that cannot be read has none, and says so. */
function readRegistry(context: FetchContext, file: string): RegistryEntry[] {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  try {
    const json = JSON.parse(text) as RegistryJson;
    if (json.version !== 2) {
      context.warn(`cannot read flake registry '${file}': flake registry '${file}' has unsupported version ${String(json.version)}`);
      return [];
    }
    return parseRegistry(json);
  } catch (error) {
    context.warn(`cannot read flake registry '${file}': ${(error as Error).message}`);
    return [];
  }
}

function parseRegistry(json: RegistryJson): RegistryEntry[] {
  return (json.flakes ?? []).map(({ from, to, exact }) => {
    const target = attributesOf(to);
    const directory = target.get('dir');
    target.delete('dir');
    return {
      from: checkedInput(attributesOf(from), settings), to: checkedInput(target, settings),
      directory: typeof directory === 'string' ? directory : '', isExact: exact === true,
    };
  });
}

function attributesOf(json: object = {}): Map<string, FetchAttribute> {
  return new Map(Object.entries(json).map(([name, value]: [string, unknown]): [string, FetchAttribute] => [
    encodeUtf8(name),
    typeof value === 'number' || typeof value === 'boolean' ? value : encodeUtf8(String(value)),
  ]));
}
