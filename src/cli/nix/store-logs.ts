/** `nix-store --read-log` and `--print-env`. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { concatBytes, noProgress } from '#base';
import {
  baseNameOf, derivationPath, hasUnknownPaths, isDerivationPath, printDerivation, resolveDerivation, type StorePath,
} from '#formats';
import { namesStoreElsewhere } from '#host';
import { Bzip2Reader, LocalStore, operationUnsupported, type Store } from '#store';
import { writeLog } from '#system';
import { noLog, unknownDeriver } from '../errors.ts';
import { Peers, type OpenedPeer } from './peers.ts';
import { followToStorePath, validPath, type StoreCommand } from './store-command.ts';

export async function readLogs(command: StoreCommand): Promise<number> {
  for (const operand of command.flags.operands) {
    const drvPath = derivationOf(command, followToStorePath(command, operand));
    const log = await findLog(command, drvPath);
    if (log === undefined) throw noLog(drvPath);
    command.context.stdout.write(log);
  }
  return 0;
}

/** Assignments that a shell can read: the derivation's variables, and its arguments in `_args`. */
export async function printEnvironment(command: StoreCommand): Promise<number> {
  for (const operand of command.flags.operands) {
    const { env, args } = command.store.readDerivation(validPath(command, operand));
    const lines = [...env].map(([name, value]) => `export ${name}; ${name}=${shellQuote(value)}\n`);
    const text = `${lines.join('')}export _args; _args=${shellQuote(args.join(' '))}\n`;
    command.context.stdout.write(Buffer.from(text, 'latin1'));
  }
  return 0;
}

function derivationOf(command: StoreCommand, path: StorePath): StorePath {
  if (isDerivationPath(path)) return path;
  const deriver = command.store.queryPathInfo(path)?.deriver;
  if (deriver === undefined) throw unknownDeriver(path);
  return deriver;
}

/** What a derivation's last build printed, as the store or one of the caches has it. */
export async function findLog(command: StoreCommand, drvPath: StorePath): Promise<Uint8Array | undefined> {
  const { store, flags, context } = command;
  const built = builtAs(store, drvPath);
  const own = store instanceof LocalStore ? keptLog(store, built) : await store.peer.buildLog?.(built);
  if (own !== undefined) return own;
  const peers = new Peers(flags, context, noProgress);
  for (const url of peers.settings.list('substituters').filter(namesStoreElsewhere)) {
    const opened = peers.open(url);
    try {
      const found = await opened.peer.buildLog?.(built);
      if (found !== undefined) return found;
    } finally {
      await opened.close();
    }
  }
  return undefined;
}

/**
 * The derivation that the log is of: one whose paths were not known is built with its inputs' paths
 * filled in.
 */
function builtAs(store: Store, drvPath: StorePath): StorePath {
  if (!store.isValidPath(drvPath)) return drvPath;
  const derivation = store.readDerivation(drvPath);
  if (!hasUnknownPaths(derivation) || derivation.inputDerivations.size === 0) return drvPath;
  const inputs = new Map([...derivation.inputDerivations.keys()]
    .map((input) => [input, store.queryDerivationOutputs(input)] as const));
  const resolved = resolveDerivation(derivation, inputs, { directory: store.storeDirectory });
  return derivationPath(resolved, printDerivation(resolved), store.storeDirectory);
}

/** Gives a store the log of a derivation's build. */
export async function keepLog({ store, peer }: OpenedPeer, drvPath: StorePath, log: Uint8Array): Promise<void> {
  if (store !== undefined) writeLog(store, drvPath, log);
  else if (peer.addBuildLog === undefined) throw operationUnsupported(peer.name, 'addBuildLog');
  else await peer.addBuildLog(drvPath, inOnePiece(log));
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** What a derivation's last build here printed; undefined if none was kept. */
export function keptLog(store: LocalStore, drvPath: StorePath): Uint8Array | undefined {
  const base = baseNameOf(drvPath);
  const plain = join(store.location.logDirectory, 'drvs', base.slice(0, 2), base.slice(2));
  for (const [extension, decompress] of decompressors) {
    const file = plain + extension;
    if (existsSync(file)) return decompress(readFileSync(file));
  }
  return undefined;
}

const decompressors: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['', (bytes) => bytes], ['.bz2', unpackBzip2], ['.zst', zstdDecompressSync], ['.gz', gunzipSync], ['.br', brotliDecompressSync],
];

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function unpackBzip2(bytes: Uint8Array): Uint8Array {
  const reader = new Bzip2Reader();
  return concatBytes([...reader.write(bytes), ...reader.finish()].map((piece) => piece.slice()));
}
