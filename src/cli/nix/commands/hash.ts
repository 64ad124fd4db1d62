/** `nix hash`: hashes of files and trees, and the text forms of hashes. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  compressHash, formatHash, hashOf as hashBytes, parseHashAlgorithm, parseHashWithFormat, type Hash, type HashAlgorithm, type HashFormat,
} from '#base';
import type { IngestionMethod } from '#formats';
import { bytePath, hashTreeNow } from '#store';
import { hashFormatMismatch, usageError } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import type { Flag } from '../flags.ts';
import { ingestionMethodOf } from '../ingestion.ts';

const formats: Readonly<Record<string, HashFormat>> = {
  base16: 'base16', nix32: 'nix32', base32: 'nix32', base64: 'base64', sri: 'sri',
};

function formatOf(session: CommandSession, name: string): HashFormat {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format === undefined) {
    throw usageError(`unknown hash format '${name}', expect 'base16', 'base32', 'base64', or 'sri'`, session.name);
  }
  return format;
}

const algorithmFlags: readonly Flag[] = [
  { names: ['--algo'], operands: ['ALGORITHM'], description: 'sha256 (the default), sha512, sha1, md5 or blake3' },
  { names: ['--type'], operands: ['ALGORITHM'], description: 'as --algo' },
];

function algorithmOf({ flags }: CommandSession): HashAlgorithm | undefined {
  const name = flags.last('--algo') ?? flags.last('--type');
  return name === undefined ? undefined : parseHashAlgorithm(name);
}

const hashOf = (name: string, otherwise: IngestionMethod, more: readonly Flag[]) => defineCommand({
  name, operands: 'PATHS', summary: 'Prints hashes of files or trees.',
  flags: [
    ...algorithmFlags, ...more,
    ...['sri', 'base64', 'base32', 'base16'].map((form): Flag => ({ names: [`--${form}`], description: `print ${form}` })),
    { names: ['--truncate'], description: 'fold the hash to 160 bits' },
  ],
  async run(session) {
    const { flags, context } = session;
    const mode = flags.last('--mode');
    const method = mode === undefined ? otherwise : ingestionMethodOf(mode);
    const named = flags.last('--format') ?? Object.keys(formats).find((form) => flags.has(`--${form}`)) ?? 'sri';
    const format = formatOf(session, named);
    for (const operand of flags.operands) {
      const path = resolve(context.cwd, operand);
      const algorithm = algorithmOf(session) ?? 'sha256';
      // A flat hash is of what can be read, pipes too.
      const hash = method === 'flat' ? hashBytes(algorithm, readFileSync(path)) : hashTreeNow(bytePath(path), method, algorithm);
      const shown: Hash = flags.has('--truncate') && hash.bytes.length > 20
        ? { ...hash, bytes: compressHash(hash.bytes, 20) } : hash;
      session.print(formatHash(shown, format));
    }
  },
});

const toBase = (form: string) => defineCommand({
  name: `nix hash to-${form}`, operands: 'HASHES', summary: `Prints hashes in ${form}; 'nix hash convert' is newer.`,
  flags: algorithmFlags,
  async run(session) {
    session.context.stderr.write(
      'warning: The old format conversion subcommands of `nix hash` were deprecated in favor of `nix hash convert`.\n');
    for (const operand of session.flags.operands) {
      session.print(formatHash(parseHashWithFormat(operand, algorithmOf(session)).hash, formatOf(session, form)));
    }
  },
});

const convert = defineCommand({
  name: 'nix hash convert', operands: 'HASHES', summary: 'Prints hashes in another form.',
  flags: [
    { names: ['--from'], operands: ['FORM'], description: 'the form that they must have' },
    { names: ['--to'], operands: ['FORM'], description: 'base16, nix32, base64 or sri (the default)' },
    { names: ['--hash-algo'], operands: ['ALGORITHM'], description: 'the algorithm of hashes that do not say it' },
    ...algorithmFlags,
  ],
  async run(session) {
    const { flags } = session;
    const to = formatOf(session, flags.last('--to') ?? 'sri');
    const named = flags.last('--from');
    const from = named === undefined ? undefined : formatOf(session, named);
    const algorithm = flags.last('--hash-algo');
    for (const operand of flags.operands) {
      const { hash, format } = parseHashWithFormat(
        operand, algorithm === undefined ? algorithmOf(session) : parseHashAlgorithm(algorithm));
      if (from !== undefined && from !== format) throw hashFormatMismatch(operand, format, named as string);
      session.print(formatHash(hash, to));
    }
  },
});

/** By the subcommand's name. */
export const hashCommands = {
  convert,
  file: hashOf('nix hash file', 'flat', []),
  path: hashOf('nix hash path', 'recursive', [
    { names: ['--mode'], operands: ['MODE'], description: 'nar (the default), flat or git' },
    { names: ['--format'], operands: ['FORM'], description: 'base16, nix32, base64 or sri (the default)' },
  ]),
  'to-base16': toBase('base16'),
  'to-base32': toBase('base32'),
  'to-base64': toBase('base64'),
  'to-sri': toBase('sri'),
};
