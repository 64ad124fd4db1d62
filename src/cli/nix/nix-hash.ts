/**
 * `nix-hash`: hashes of files and trees, and conversion between the text forms of hashes.
 *
 * Flags and output are those of C++ Nix's command of the same name.
 */

import { resolve } from 'node:path';
import {
  compressHash, formatHash, Hasher, parseHash, parseHashAlgorithm, type Hash, type HashAlgorithm, type HashFormat,
} from '#base';
import { bytePath, hashTreeNow, narPieces } from '#store';
import type { CommandContext } from '../context.ts';
import { describeFlags, parseFlags, type Flag, type ParsedFlags } from './flags.ts';
import { settingsOf } from './settings.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--flat'], description: "hash a file's bytes instead of the tree's NAR" },
  { names: ['--type'], operands: ['ALGORITHM'], description: 'md5 (the default), sha1, sha256, sha512 or blake3' },
  { names: ['--base16'], description: 'print base16 (the default)' },
  { names: ['--base32'], description: "print Nix's base 32" },
  { names: ['--base64'], description: 'print base64' },
  { names: ['--sri'], description: 'print ALGORITHM-BASE64' },
  { names: ['--truncate'], description: 'fold the hash to 160 bits' },
  { names: ['--to-base16'], description: 'the operands are hashes to print in base16' },
  { names: ['--to-base32'], description: "the operands are hashes to print in Nix's base 32" },
  { names: ['--to-base64'], description: 'the operands are hashes to print in base64' },
  { names: ['--to-sri'], description: 'the operands are hashes to print as ALGORITHM-BASE64' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  { names: ['--version'], description: 'print the version' },
  { names: ['--help'], description: 'print this text' },
];

const formats: Readonly<Record<string, HashFormat>> = {
  base16: 'base16', base32: 'nix32', base64: 'base64', sri: 'sri',
};

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-hash', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags(
      'nix-hash [FLAGS] PATHS | nix-hash --to-FORM [--type ALGORITHM] HASHES',
      'Prints hashes of files and trees, or hashes in another form.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-hash', context, flags);
  const wanted = chosenForm(flags, '--to-');
  for (const operand of flags.operands) {
    const text = wanted === undefined ? hashOperand(flags, context, operand)
      : formatHash(parseHash(operand, algorithmOf(flags)), formats[wanted] as HashFormat);
    context.stdout.write(`${text}\n`);
  }
  return 0;
}

function hashOperand(flags: ParsedFlags, context: CommandContext, operand: string): string {
  const path = bytePath(resolve(context.cwd, operand));
  const algorithm = algorithmOf(flags) ?? 'md5';
  const settings = settingsOf(flags, context);
  const hash = flags.has('--flat') ? hashTreeNow(path, 'flat', algorithm)
    : settings.flag('use-case-hack', false) ? hashCaseHacked(path, algorithm) : hashTreeNow(path, 'recursive', algorithm);
  const shown: Hash = flags.has('--truncate') && hash.bytes.length > 20
    ? { ...hash, bytes: compressHash(hash.bytes, 20) } : hash;
  return formatHash(shown, formats[chosenForm(flags, '--') ?? 'base16'] as HashFormat);
}

function hashCaseHacked(path: string, algorithm: HashAlgorithm): Hash {
  const hasher = new Hasher(algorithm);
  for (const piece of narPieces(path, { caseHack: true })) hasher.update(piece);
  return hasher.digest();
}

function chosenForm(flags: ParsedFlags, prefix: string): string | undefined {
  return Object.keys(formats).find((name) => flags.has(prefix + name));
}

/** Without `--type`, a hash to convert must say its algorithm or be an MD5 one. */
function algorithmOf(flags: ParsedFlags): HashAlgorithm | undefined {
  const named = flags.last('--type');
  if (named !== undefined) return parseHashAlgorithm(named);
  return flags.operands.some((operand) => /[:-]/.test(operand)) ? undefined : 'md5';
}
