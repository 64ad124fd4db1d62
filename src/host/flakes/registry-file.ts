/** Registry files: which input a short name stands for, as JSON of version 2. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { printJson } from '#eval';
import {
  checkedInput, sameInput, withAttributes, type FetchAttribute, type Input, type InputSettings,
} from '#runtime';
import { badRegistry } from '../errors.ts';
import type { Environment } from '../settings.ts';

export interface RegistryEntry {
  readonly from: Input;
  readonly to: Input;
  /** Folder in the tree; empty for its top. */
  readonly directory: string;
  readonly isExact: boolean;
}

const settings: InputSettings = { requireFeature: () => {}, trustForges: true };

/** Where a user's own entries are. */
export function userRegistryFile(environment: Environment): string {
  const configuration = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] ?? '/', '.config');
  return join(environment['NIX_CONFIG_HOME'] || join(configuration, 'nix'), 'registry.json');
}

export function systemRegistryFile(environment: Environment): string {
  return join(environment['NIX_CONF_DIR'] ?? '/etc/nix', 'registry.json');
}

/** The entries of a file; none if it is not there. Throws BAD_REGISTRY for one that cannot be understood. */
export function readRegistry(file: string): RegistryEntry[] {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  let json;
  try {
    json = JSON.parse(text) as RegistryJson;
  } catch (error) {
    throw badRegistry(file, (error as Error).message, error);
  }
  if (json.version !== 2) throw badRegistry(file, `flake registry '${file}' has unsupported version ${String(json.version)}`);
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

/** Writes a file in one step. */
export function writeRegistry(file: string, entries: readonly RegistryEntry[]): void {
  const flakes = entries.map(({ from, to, directory, isExact }) => new Map<string, boolean | Input>([
    ...(isExact ? [['exact', true] as const] : []),
    ['from', from],
    ['to', directory === '' ? to : withAttributes(to, { dir: directory })],
  ]));
  const text = printJson(new Map<string, number | typeof flakes>([['flakes', flakes], ['version', 2]]), '');
  mkdirSync(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, decodeUtf8(text));
  renameSync(beside, file);
}

export function withoutEntry(entries: readonly RegistryEntry[], from: Input): RegistryEntry[] {
  return entries.filter((entry) => !sameInput(entry.from, from));
}

interface RegistryJson {
  readonly version?: unknown;
  readonly flakes?: readonly { readonly from?: object; readonly to?: object; readonly exact?: unknown }[];
}

function attributesOf(json: object = {}): Map<string, FetchAttribute> {
  return new Map(Object.entries(json).map(([name, value]: [string, unknown]): [string, FetchAttribute] => [
    encodeUtf8(name),
    typeof value === 'number' || typeof value === 'boolean' ? value : encodeUtf8(String(value)),
  ]));
}
