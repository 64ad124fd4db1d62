/** `nix-store --read-log` and `--print-env`. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { baseNameOf, isDerivationPath, type StorePath } from '#formats';
import type { LocalStore } from '#store';
import { noLog, unknownDeriver } from '../errors.ts';
import { followToStorePath, validPath, type StoreCommand } from './store-command.ts';

export async function readLogs(command: StoreCommand): Promise<number> {
  for (const operand of command.flags.operands) {
    const drvPath = derivationOf(command, followToStorePath(command, operand));
    const log = findLog(command.store, drvPath);
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

/** What a derivation's last build printed; undefined if none was kept. */
export function findLog(store: LocalStore, drvPath: StorePath): Uint8Array | undefined {
  const base = baseNameOf(drvPath);
  const plain = join(store.location.logDirectory, 'drvs', base.slice(0, 2), base.slice(2));
  for (const [extension, decompress] of decompressors) {
    const file = plain + extension;
    if (existsSync(file)) return decompress(readFileSync(file));
  }
  const packed = `${plain}.bz2`;
  return existsSync(packed) ? unpackWithBzip2(packed) : undefined;
}

const decompressors: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['', (bytes) => bytes], ['.zst', zstdDecompressSync], ['.gz', gunzipSync], ['.br', brotliDecompressSync],
];

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** C++ Nix packs logs with bzip2, for which there is nothing in Node. */
function unpackWithBzip2(file: string): Uint8Array | undefined {
  const result = spawnSync('bzip2', ['-dc', file], { maxBuffer: 1 << 30 });
  return result.status === 0 ? result.stdout : undefined;
}
