/** `nix path-info`: what is registered of store paths. */

import { formatHash } from '#base';
import { baseNameOf, formatContentAddress, type StorePath } from '#formats';
import type { ValidPathInfo } from '#store';
import { pathIsNotValid, usageError } from '../../errors.ts';
import { renderSize } from '../../progress/describe.ts';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { recursiveFlag, storePathFlags, storePaths } from '../installables.ts';

export const { run, usage } = defineCommand({
  name: 'nix path-info',
  operands: 'INSTALLABLES',
  summary: 'Prints what is known of store paths.',
  flags: [
    { names: ['--size', '-s'], description: 'print the size of the NAR' },
    { names: ['--closure-size', '-S'], description: 'print the size of the NARs of all that a path needs' },
    { names: ['--human-readable', '-h'], description: 'print sizes with units' },
    { names: ['--sigs'], description: 'print signatures' },
    { names: ['--json-format'], operands: ['VERSION'], description: 'the form of the JSON: 1, 2 or 3' },
    recursiveFlag, ...jsonFlags, ...storePathFlags,
  ],
  async run(session) {
    const { flags, store } = session;
    const paths = await storePaths(session, flags.has('--recursive'));
    if (flags.has('--json')) {
      session.printJson(describeAll(session, paths, jsonVersion(session)));
      return;
    }
    const width = Math.max(0, ...paths.map((path) => path.length));
    for (const path of paths) {
      const info = store.queryPathInfo(path);
      if (info === undefined) throw pathIsNotValid(path);
      session.print(lineOf(session, info, width));
    }
  },
});

function lineOf(session: CommandSession, info: ValidPathInfo, width: number): string {
  const { flags } = session;
  const size = (bytes: number) => (flags.has('--human-readable') ? `\t${renderSize(bytes)}` : `\t${String(bytes).padStart(11)}`);
  const columns = ['--size', '--closure-size', '--sigs'].some((flag) => flags.has(flag));
  let line = columns ? info.path.padEnd(width) : info.path;
  if (flags.has('--size')) line += size(info.narSizeBytes);
  if (flags.has('--closure-size')) line += size(closureSize(session, info.path));
  if (flags.has('--sigs')) {
    line += `\t${[
      ...(info.ultimate ? ['ultimate'] : []),
      ...(info.contentAddress === undefined ? [] : [`ca:${formatContentAddress(info.contentAddress)}`]),
      ...info.signatures,
    ].join(' ')}`;
  }
  return line;
}

function closureSize({ store }: CommandSession, path: StorePath): number {
  return store.closureOf([path]).reduce((sum, one) => sum + (store.queryPathInfo(one)?.narSizeBytes ?? 0), 0);
}

function jsonVersion(session: CommandSession): number {
  const given = session.flags.last('--json-format');
  if (given === undefined) {
    session.context.stderr.write("warning: '--json' without '--json-format' is deprecated; please specify "
      + "'--json-format 1' or '--json-format 2'. This will become an error in a future release.\n");
    return 1;
  }
  if (!/^[123]$/.test(given)) throw usageError(`unsupported path info JSON format version: ${given}`, session.name);
  return Number(given);
}

function describeAll(session: CommandSession, paths: readonly StorePath[], version: number): unknown {
  const { store, flags } = session;
  const key = (path: StorePath) => (version === 1 ? path : baseNameOf(path));
  const info = Object.fromEntries(paths.map((path) => {
    const found = store.queryPathInfo(path);
    if (found === undefined) return [key(path), null];
    return [key(path), {
      ...describePath(found, version, store.storeDirectory),
      ...(flags.has('--closure-size') ? { closureSize: closureSize(session, path) } : {}),
    }];
  }));
  return version === 1 ? info : { version, storeDir: store.storeDirectory, info };
}

/** One path in C++ Nix's form `version`: the first has whole paths and plain texts. */
export function describePath(info: ValidPathInfo, version: number, storeDirectory: string): object {
  const path = (one: StorePath) => (version === 1 ? one : baseNameOf(one));
  const { contentAddress: ca } = info;
  return {
    version,
    storeDir: storeDirectory,
    narHash: formatHash(info.narHash, 'sri'),
    narSize: info.narSizeBytes,
    references: [...info.references].sort().map(path),
    ca: ca === undefined ? null : version === 1 ? formatContentAddress(ca)
      : { method: ca.method === 'recursive' ? 'nar' : ca.method, hash: formatHash(ca.hash, 'sri') },
    deriver: info.deriver === undefined ? null : path(info.deriver),
    registrationTime: info.registrationTime === 0 ? null : info.registrationTime,
    ultimate: info.ultimate,
    signatures: info.signatures.map((signature) => {
      if (version < 3) return signature;
      const colon = signature.indexOf(':');
      return { keyName: signature.slice(0, colon), sig: signature.slice(colon + 1) };
    }),
  };
}
