/** Operations of `nix-store` on what is registered. */

import { readFileSync } from 'node:fs';
import { encodeHex, formatPrefixedHash, parseHash, UserError } from '#base';
import { parseStorePath, type PathInfo, type StorePath } from '#formats';
import { bytePath, canonicaliseTree, measureNar, optimiseStore, verifyStore } from '#store';
import type { Workspace } from '#system';
import { badRegistration } from '../errors.ts';
import { renderSize } from '../progress/describe.ts';
import { messagesOnly } from './evaluation.ts';
import { followToStorePath, validPath, type StoreCommand } from './store-command.ts';
import { openWorkspace } from './workspace.ts';

export async function verify(command: StoreCommand): Promise<number> {
  const { flags, localStore: store, context } = command;
  const checkContents = flags.has('--check-contents');
  const say = (text: string): void => { context.stderr.write(`${text}\n`); };
  const workspace = flags.has('--repair') ? openWorkspace(flags, context, messagesOnly(context, flags)) : undefined;
  try {
    const { isUnsound } = await verifyStore(store, {
      checkContents, signal: context.signal, say,
      ...(workspace === undefined ? {} : { repair: (path) => triedRepair(workspace, path, say) }),
    });
    if (isUnsound) say('warning: not all store errors were fixed');
    return isUnsound ? 1 : 0;
  } finally {
    await workspace?.close();
  }
}

/** Makes paths good again, whatever is there now. */
export async function repairPaths(command: StoreCommand): Promise<number> {
  const { flags, context } = command;
  const workspace = openWorkspace(flags, context, messagesOnly(context, flags));
  try {
    for (const operand of flags.operands) await workspace.repair(followToStorePath(command, operand));
  } finally {
    await workspace.close();
  }
  return 0;
}

async function triedRepair(workspace: Workspace, path: StorePath, say: (text: string) => void): Promise<boolean> {
  try {
    await workspace.repair(path);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`error: ${error.message}`);
    return false;
  }
}

/** Makes files of the same content one. */
export async function optimise({ localStore: store, context }: StoreCommand): Promise<number> {
  const { filesLinked, freedBytes } = await optimiseStore(store, {
    signal: context.signal, warn: (text) => { context.stderr.write(`warning: ${text}\n`); },
  });
  context.stderr.write(`${renderSize(freedBytes)} freed by hard-linking ${filesLinked} files\n`);
  return 0;
}

export async function verifyPaths(command: StoreCommand): Promise<number> {
  const { flags, store, context } = command;
  let status = 0;
  for (const operand of flags.operands) {
    const path = validPath(command, operand);
    const wanted = formatPrefixedHash(store.queryPathInfo(path)!.narHash, 'nix32');
    const found = formatPrefixedHash(measureNar(bytePath(store.physicalPath(path))).narHash, 'nix32');
    if (wanted === found) continue;
    context.stderr.write(`path '${path}' was modified! expected hash '${wanted}', got '${found}'\n`);
    status = 1;
  }
  return status;
}

export async function checkValidity(command: StoreCommand): Promise<number> {
  for (const operand of command.flags.operands) {
    if (!command.flags.has('--print-invalid')) validPath(command, operand);
    else {
      const path = followToStorePath(command, operand);
      if (!command.store.isValidPath(path)) command.print(path);
    }
  }
  return 0;
}

/** Path, NAR hash, NAR size, deriver, and counted references, a line each. */
export async function dumpDatabase(command: StoreCommand): Promise<number> {
  const { flags, store, print } = command;
  const paths = flags.operands.length === 0 ? store.allValidPaths()
    : flags.operands.map((operand) => validPath(command, operand));
  for (const path of paths) {
    const info = store.queryPathInfo(path)!;
    print([
      path, encodeHex(info.narHash.bytes), info.narSizeBytes, info.deriver ?? '', info.references.length,
      ...info.references,
    ].join('\n'));
  }
  return 0;
}

export async function loadDatabase({ store }: StoreCommand): Promise<number> {
  store.registerValidPaths([...readRegistrations(true, store.storeDirectory)].map((one) => one as PathInfo));
  return 0;
}

export async function registerValidity({ flags, store }: StoreCommand): Promise<number> {
  const infos: PathInfo[] = [];
  for (const one of readRegistrations(flags.has('--hash-given'), store.storeDirectory)) {
    const place = bytePath(store.physicalPath(one.path));
    canonicaliseTree(place);
    infos.push({ ...one, ...(one.narHash === undefined ? measureNar(place) : {}) } as PathInfo);
  }
  store.registerValidPaths(infos);
  return 0;
}

type Registration = Omit<PathInfo, 'narHash'> & Partial<Pick<PathInfo, 'narHash'>>;

/** Reads registrations from standard input, with hash and size if they are given. */
function* readRegistrations(hashGiven: boolean, storeDirectory: string): Generator<Registration> {
  const lines = readFileSync(0, 'latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  let at = 0;
  const next = (what: string): string => {
    const line = lines[at++];
    if (line === undefined) throw badRegistration(`${what} is missing in line ${at}`);
    return line;
  };
  const number = (what: string): number => {
    const line = next(what);
    if (!/^[0-9]{1,15}$/.test(line)) throw badRegistration(`${what} is not a number in line ${at}`);
    return Number(line);
  };
  while (at < lines.length) {
    const path = parseStorePath(next('the path'), storeDirectory);
    const narHash = hashGiven ? parseHash(next('the hash'), 'sha256') : undefined;
    const narSizeBytes = hashGiven ? number('the size') : 0;
    const deriver = next('the deriver');
    const count = number('the number of references');
    const references: StorePath[] = [];
    for (let i = 0; i < count; i++) references.push(parseStorePath(next('a reference'), storeDirectory));
    yield {
      path, narSizeBytes, references: references.sort(), signatures: [],
      ...(narHash === undefined ? {} : { narHash }),
      ...(deriver === '' ? {} : { deriver: parseStorePath(deriver, storeDirectory) }),
    };
  }
}
