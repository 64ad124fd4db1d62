/** What an operation of `nix-store` works with, and how it reads its operands. */

import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isDerivationPath, splitStorePath, type StorePath } from '#formats';
import { storeNotLocal } from '#host';
import { bytePath, LocalStore, PeerStore, type Store } from '#store';
import type { CommandContext } from '../context.ts';
import { notInStore, pathIsNotValid } from '../errors.ts';
import type { ClosableProgress } from '../progress/output.ts';
import type { ParsedFlags } from './flags.ts';

export interface StoreCommand {
  readonly flags: ParsedFlags;
  readonly context: CommandContext;
  /** Opened at its first use. */
  readonly store: LocalStore | PeerStore;
  /** The store, for what only one of our own can do. Throws STORE_NOT_LOCAL. */
  readonly localStore: LocalStore;
  openProgress(): Promise<ClosableProgress>;
  /** A line on standard output. */
  print(line: string): void;
}

/** Returns the exit status. */
export type StoreOperation = (command: StoreCommand) => Promise<number>;

export function localStoreOf(store: LocalStore | PeerStore): LocalStore {
  if (store instanceof LocalStore) return store;
  throw storeNotLocal(store.name);
}

/** The store path that an operand names: itself, one below it, or what links lead to. */
export function followToStorePath(
  command: { readonly store: Store; readonly context: Pick<CommandContext, 'cwd'> }, operand: string,
): StorePath {
  const { store, context } = command;
  let path = resolve(context.cwd, operand);
  for (let links = 0; links < maximumLinks; links++) {
    const found = splitStorePath(bytePath(logicalPath(store, path)), store.storeDirectory);
    // Without a sandbox a build folder is below the store, but in no store path: links in it are followed.
    const isBuilding = found !== undefined && found.rest !== '' && !store.isValidPath(found.storePath);
    if (found !== undefined && !(isBuilding && isLink(path))) return found.storePath;
    try {
      path = resolve(dirname(path), readlinkSync(path));
    } catch {
      const real = realPath(path);
      if (real === undefined || real === path) break;
      path = real;
    }
  }
  throw notInStore(operand);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** As `followToStorePath`, for a path that must be valid. */
export function validPath(command: StoreCommand, operand: string): StorePath {
  const path = followToStorePath(command, operand);
  if (!command.store.isValidPath(path)) throw pathIsNotValid(path);
  return path;
}

/** Where a path at or below a valid store path stands, and what follows the store path in it. */
export function validPlace(command: StoreCommand, operand: string): { place: string; rest: string } {
  const { store, context } = command;
  const path = resolve(context.cwd, operand);
  const storePath = validPath(command, operand);
  const logical = logicalPath(store, path);
  return {
    place: store.physicalPath(storePath),
    rest: logical.startsWith(storePath) ? logical.slice(storePath.length) : '',
  };
}

/** The name that a path on this machine has in the store, if it stands there. */
function logicalPath(store: Store, path: string): string {
  const isHere = store instanceof LocalStore || (store instanceof PeerStore && store.root !== undefined);
  if (!isHere || !path.startsWith(`${store.physicalStoreDirectory}/`)) return path;
  return store.storeDirectory + path.slice(store.physicalStoreDirectory.length);
}

/** The outputs of a derivation, or the path itself. */
export function outputsOf(store: Store, path: StorePath): StorePath[] {
  return isDerivationPath(path) ? [...store.queryDerivationOutputs(path).values()] : [path];
}

/** All paths, each after what it refers to, as C++ Nix orders them. */
export function topologicalOrder(store: Store, paths: Iterable<StorePath>): StorePath[] {
  const wanted = new Set([...paths].sort());
  const order: StorePath[] = [];
  const seen = new Set<StorePath>();
  for (const start of wanted) {
    const stack: { path: StorePath; left: StorePath[] }[] = [];
    const enter = (path: StorePath) => {
      seen.add(path);
      const references = store.queryPathInfo(path)?.references ?? [];
      stack.push({ path, left: references.filter((one) => wanted.has(one)).reverse() });
    };
    if (!seen.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        stack.pop();
        order.push(top.path);
      } else if (!seen.has(next)) {
        enter(next);
      }
    }
  }
  return order;
}

const maximumLinks = 64;

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
