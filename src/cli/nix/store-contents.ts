/** Operations of `nix-store` on contents: adding, dumping, restoring, exporting, importing. */

import { lstatSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { encodeUtf8, noProgress, parseHash, parseHashAlgorithm } from '#base';
import { makeContentAddressedPath, NarReader, noReferences } from '#formats';
import { bytePath, exportPaths, importPaths, narPieces, TreeRestorer } from '#store';
import { alreadyExists, usageError } from '../errors.ts';
import { validPath, type StoreCommand } from './store-command.ts';

export async function add({ flags, context, store, print }: StoreCommand): Promise<number> {
  for (const operand of flags.operands) {
    const path = resolve(context.cwd, operand);
    print(store.addTree(encodeUtf8(basename(path)), path, { method: 'recursive', algorithm: 'sha256' }));
  }
  return 0;
}

export async function addFixed({ flags, context, store, print }: StoreCommand): Promise<number> {
  const [algorithm = '', ...operands] = flags.operands;
  const method = flags.has('--recursive') ? 'recursive' : 'flat';
  for (const operand of operands) {
    const path = resolve(context.cwd, operand);
    print(store.addTree(encodeUtf8(basename(path)), path, { method, algorithm: parseHashAlgorithm(algorithm) }));
  }
  return 0;
}

export async function printFixedPath({ flags, store, print }: StoreCommand): Promise<number> {
  const [algorithm, hashText, name] = flags.operands;
  if (algorithm === undefined || hashText === undefined || name === undefined) {
    throw usageError("'--print-fixed-path' requires an algorithm, a hash and a name", 'nix-store');
  }
  const method = flags.has('--recursive') ? 'recursive' : 'flat';
  const hash = parseHash(hashText, parseHashAlgorithm(algorithm));
  print(makeContentAddressedPath(encodeUtf8(name), { method, hash }, noReferences, store.storeDirectory));
  return 0;
}

export async function dump({ flags, context }: StoreCommand): Promise<number> {
  const [operand] = flags.operands;
  if (operand === undefined || flags.operands.length > 1) throw usageError('Only one path may be dumped', 'nix-store');
  for (const piece of narPieces(bytePath(resolve(context.cwd, operand)))) await write(context.stdout, piece);
  return 0;
}

export async function restore({ flags, context }: StoreCommand): Promise<number> {
  const [operand] = flags.operands;
  if (operand === undefined || flags.operands.length > 1) throw usageError('Only one path may be restored', 'nix-store');
  const path = resolve(context.cwd, operand);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw alreadyExists(path);
  const restorer = new TreeRestorer(bytePath(path), 'ordinary');
  const reader = new NarReader(restorer);
  try {
    for await (const piece of process.stdin) if (reader.write(piece as Uint8Array) < (piece as Uint8Array).length) break;
    reader.end();
  } finally {
    restorer.abandon();
  }
  return 0;
}

export async function exportOperation(command: StoreCommand): Promise<number> {
  const paths = command.flags.operands.map((operand) => validPath(command, operand));
  for await (const piece of exportPaths(command.store, paths)) await write(command.context.stdout, piece);
  return 0;
}

export async function importOperation({ store, print }: StoreCommand): Promise<number> {
  for (const path of await importPaths(store, process.stdin, noProgress)) print(path);
  return 0;
}

/** Writes a piece, and waits when the reader is slower than we are. */
async function write(out: StoreCommand['context']['stdout'], bytes: Uint8Array): Promise<void> {
  if (out.write(bytes) === false) {
    await new Promise((resume) => { (out as NodeJS.WriteStream).once('drain', resume); });
  }
}
