/** Operations of `nix-store` on contents: adding, dumping, restoring, exporting, importing. */

import { basename, resolve } from 'node:path';
import { encodeUtf8, noProgress, parseHash, parseHashAlgorithm } from '#base';
import { makeContentAddressedPath, NarReader, noReferences } from '#formats';
import { bytePath, CaseHackVisitor, exportPaths, importPaths, narPieces, TreeRestorer } from '#store';
import type { CommandContext } from '../context.ts';
import { badDestination, destinationTaken, usageError } from '../errors.ts';
import type { ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';
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
  const pieces = narPieces(bytePath(resolve(context.cwd, operand)), { caseHack: usesCaseHack(flags, context) });
  for (const piece of pieces) await write(context.stdout, piece);
  return 0;
}

export async function restore({ flags, context }: StoreCommand): Promise<number> {
  const [operand] = flags.operands;
  if (operand === undefined || flags.operands.length > 1) throw usageError('Only one path may be restored', 'nix-store');
  if (operand === '') throw badDestination('restore destination path is empty');
  const last = basename(operand);
  if (last === '.' || last === '..') {
    throw badDestination(`restore destination '${operand}' ends in '${last}', which is not a valid filename`);
  }
  const path = resolve(context.cwd, operand);
  const restorer = new TreeRestorer(bytePath(path), 'ordinary');
  const reader = new NarReader(usesCaseHack(flags, context) ? new CaseHackVisitor(restorer) : restorer);
  try {
    for await (const piece of process.stdin) if (reader.write(piece as Uint8Array) < (piece as Uint8Array).length) break;
    reader.end();
  } catch (error) {
    throw destinationTaken(path, error) ?? error;
  } finally {
    restorer.abandon();
  }
  return 0;
}

function usesCaseHack(flags: ParsedFlags, { env }: CommandContext): boolean {
  return settingsOf(flags, { env }).flag('use-case-hack', false);
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
