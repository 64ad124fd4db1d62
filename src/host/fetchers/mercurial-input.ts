/**
 * Mercurial inputs, through the user's `hg`: a changed work tree as it lies there, everything else as
 * a revision, out of a copy of the repository in the cache.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { decodeUtf8, encodeNix32, encodeUtf8, formatHash, hashOf, parseHash } from '#base';
import {
  parseUrl, printUrl, revisionOf, urlPathToFile, withAttributes, type Input,
} from '#runtime';
import { lockFile } from '#store';
import { hgFailed, hgMissing, hgTreeDirty } from '../errors.ts';
import { nameOfInput, plainText, type FetchContext } from './context.ts';
import type { FetchedTree } from './git-input.ts';
import { pathOfTree } from './nar-spool.ts';

export async function fetchMercurial(context: FetchContext, input: Input): Promise<FetchedTree> {
  const url = parseUrl(String(input.get('url')));
  const folder = url.scheme === 'file' ? decodeUtf8(urlPathToFile(url.path)) : undefined;
  const isUnlocked = !input.has('ref') && !input.has('rev');
  if (folder !== undefined && isUnlocked && existsSync(join(folder, '.hg'))) {
    const changes = await hg(context, ['status', '-R', folder, '--modified', '--added', '--removed']);
    if (changes !== '') return fetchWorkTree(context, input, folder);
  }
  return fetchRevision(context, input, folder ?? decodeUtf8(printUrl(url)));
}

async function fetchWorkTree(context: FetchContext, input: Input, folder: string): Promise<FetchedTree> {
  if (!context.settings.flag('allow-dirty', true)) throw hgTreeDirty(folder);
  if (context.settings.flag('warn-dirty', true)) context.warn(`Mercurial tree "${folder}" is unclean`);
  const branch = (await hg(context, ['branch', '-R', folder])).trim();
  const listed = await hg(context, [
    'status', '-R', folder, '--clean', '--modified', '--added', '--no-status', '--print0',
  ]);
  const files = new Set(listed.split('\0').filter(Boolean));
  const folders = new Set<string>();
  for (const file of files) {
    for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1)) folders.add(file.slice(0, end));
  }
  const storePath = context.store.addTree(nameOfInput(input), folder, {
    method: 'recursive', algorithm: 'sha256',
    filter: (path, type) => (type === 'directory' ? folders : files).has(path.slice(1)),
  });
  const narHash = formatHash(context.store.queryPathInfo(storePath)!.narHash, 'sri');
  return { storePath, narHash, input: withAttributes(input, { ref: branch }) };
}

async function fetchRevision(context: FetchContext, input: Input, place: string): Promise<FetchedTree> {
  const ref = plainText(input, 'ref') ?? 'default';
  const given = revisionOf(input);
  const cached = context.cache.lookup('hg-ref', [place, ref]);
  const isFresh = cached !== undefined && cached.ageSeconds < context.freshSeconds;
  const revision = given ?? (isFresh ? String(cached.value['rev']) : undefined);
  const known = revision === undefined ? undefined : knownTree(context, input, revision);
  if (known !== undefined) return known;
  const folder = join(context.cacheDirectory, 'hg', encodeNix32(hashOf('sha256', place).bytes));
  await updateCopy(context, place, folder, given);
  const log = await hg(context, ['log', '-R', folder, '-r', given ?? ref, '--template', '{node} {rev} {branch}']);
  const [node = '', count = '', branch = ''] = log.split(' ');
  const temporary = mkdtempSync(join(tmpdir(), 'firn-hg-'));
  try {
    await hg(context, ['archive', '-R', folder, '-r', node, temporary]);
    rmSync(join(temporary, '.hg_archival.txt'), { force: true });
    const storePath = context.store.addTree(nameOfInput(input), temporary, { method: 'recursive', algorithm: 'sha256' });
    const narHash = formatHash(context.store.queryPathInfo(storePath)!.narHash, 'sri');
    context.cache.insert('hg-tree', [node], { narHash, revCount: Number(count), branch });
    if (given === undefined) context.cache.insert('hg-ref', [place, ref], { rev: node });
    return result(input, { storePath, narHash }, node, Number(count), branch);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function knownTree(context: FetchContext, input: Input, revision: string): FetchedTree | undefined {
  const known = context.cache.lookup('hg-tree', [revision])?.value;
  if (known === undefined) return undefined;
  const narHash = String(known['narHash']);
  const storePath = pathOfTree(context.store, nameOfInput(input), parseHash(narHash));
  if (!context.store.isValidPath(storePath)) return undefined;
  return result(input, { storePath, narHash }, revision, Number(known['revCount']), String(known['branch']));
}

function result(
  input: Input, tree: Pick<FetchedTree, 'storePath' | 'narHash'>, rev: string, revCount: number, branch: string,
): FetchedTree {
  return { ...tree, input: withAttributes(input, { rev, revCount, ref: encodeUtf8(branch) }) };
}

/** Makes the copy have what is wanted; a revision that is there already needs no asking. */
async function updateCopy(
  context: FetchContext, place: string, folder: string, revision: string | undefined,
): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const lock = await lockFile(`${folder}.lock`, 'exclusive', { signal: context.signal });
  try {
    if (!existsSync(folder)) {
      await hg(context, ['clone', '--noupdate', '--', place, folder]);
      return;
    }
    if (revision !== undefined && await hasRevision(context, folder, revision)) return;
    try {
      await hg(context, ['pull', '-R', folder, '--', place]);
    } catch (error) {
      // A run that was stopped leaves a transaction behind.
      if (!existsSync(join(folder, '.hg/store/journal'))) throw error;
      await hg(context, ['recover', '-R', folder]);
      await hg(context, ['pull', '-R', folder, '--', place]);
    }
  } finally {
    lock.release();
  }
}

async function hasRevision(context: FetchContext, folder: string, revision: string): Promise<boolean> {
  return hg(context, ['log', '-R', folder, '-r', revision, '--template', '1'])
    .then((output) => output === '1', () => false);
}

/** Runs `hg` to its end; its output as a byte string. */
async function hg(context: FetchContext, args: readonly string[]): Promise<string> {
  const child = spawn('hg', [...args], {
    env: { ...context.environment, HGPLAIN: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const output: Buffer[] = [];
  let messages = '';
  child.stdout.on('data', (piece: Buffer) => output.push(piece));
  child.stderr.on('data', (piece: Buffer) => { messages += piece.toString('utf8'); });
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) => {
      reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? hgMissing(error) : error);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (status !== 0) throw hgFailed(args[0] ?? '', messages.trim());
  return Buffer.concat(output).toString('latin1');
}
