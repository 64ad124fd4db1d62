/**
 * Git LFS: large files, of which a repository has only pointers, from the server that keeps them.
 *
 * A pointer says hash and size, so what a server sends is believed only if it agrees, and is kept by
 * its hash. Which files are meant, the commit's attributes say (`filter=lfs`); what stands there but
 * is no pointer stays as it is. No program of the repository's, and no `git-lfs`, is run.
 */

import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '#base';
import { downloadFile, downloadPage, type DownloadOptions } from '#debian';
import { certificatesFile } from '../certificates.ts';
import { lfsAnswerUnreadable, lfsObjectMissing, lfsServerUnknown } from '../errors.ts';
import type { FetchContext } from './context.ts';
import { credentialHeaders } from './download.ts';
import type { GitRepository } from './git-repository.ts';
import { hangInto, leafType, type GitDirectory, type TreeEntry } from './git-tree.ts';
import { authenticateBySsh } from './lfs-ssh.ts';

interface Pointer {
  /** SHA-256 of the content, in hexadecimal. */
  readonly oid: string;
  readonly size: number;
}

/** Puts the large files of a commit into its tree, in place of the pointers. */
export async function hangLargeFiles(
  context: FetchContext, repository: GitRepository, revision: string, entries: readonly TreeEntry[], root: GitDirectory,
): Promise<void> {
  const files = entries.filter(({ mode }) => mode.startsWith('100'));
  const filtered = await repository.pathsWith('filter', 'lfs', files.map(({ path }) => path), revision);
  const pointers = await readPointers(context, repository, files.filter(({ path }) => filtered.has(path)));
  const missing = [...new Map([...pointers.values()].map((one) => [one.oid, one])).values()]
    .filter((pointer) => !existsSync(placeOf(context, pointer)));
  if (missing.length > 0) await downloadAll(context, repository, missing);
  for (const [entry, pointer] of pointers) {
    const { path, mode } = entry;
    hangInto(root, path, {
      type: leafType(mode) === 'executable' ? 'executable' : 'file', stored: placeOf(context, pointer), sizeBytes: pointer.size,
    });
  }
}

function placeOf(context: FetchContext, { oid }: Pointer): string {
  return join(context.cacheDirectory, 'git-lfs', oid);
}

async function readPointers(
  context: FetchContext, repository: GitRepository, entries: readonly TreeEntry[],
): Promise<Map<TreeEntry, Pointer>> {
  const pointers = new Map<TreeEntry, Pointer>();
  if (entries.length === 0) return pointers;
  const objects = repository.openObjects();
  try {
    for (const entry of entries) {
      objects.ask(entry.object);
      let size = 0;
      const pieces: Uint8Array[] = [];
      await objects.read((bytes) => { size = bytes; }, (piece) => { if (size < pointerLimit) pieces.push(piece.slice()); });
      const pointer = parsePointer(Buffer.from(concatBytes(pieces)).toString('latin1'));
      if (pointer !== undefined) pointers.set(entry, pointer);
      else {
        const reason = size < pointerLimit ? 'invalid' : 'too large';
        context.warn(`encountered file '/${entry.path}' that should have been a git-lfs pointer, but is ${reason}`);
      }
    }
  } finally {
    await objects.close();
  }
  return pointers;
}

/** What a pointer file says; undefined if it is none. */
export function parsePointer(text: string): Pointer | undefined {
  if (!text.startsWith('version https://git-lfs.github.com/spec/v1\n')) return undefined;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = Number(/^size (\d{1,15})$/m.exec(text)?.[1] ?? Number.NaN);
  return oid === undefined || Number.isNaN(size) ? undefined : { oid, size };
}

/** Where to ask, and with which headers. */
export interface LfsServer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function serverOf(context: FetchContext, repository: GitRepository): Promise<LfsServer> {
  const origin = await repository.largeFilesUrl();
  if (origin === undefined) throw lfsServerUnknown(repository.directory);
  if (!/^https?:/i.test(origin)) return authenticateBySsh(context, origin);
  const url = serverUrl(origin);
  return { url, headers: credentialHeaders(context, url) };
}

/** By convention, a plain remote's server is below it. */
export function serverUrl(origin: string): string {
  const url = new URL(origin);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = `${path.endsWith('.git') ? path : `${path}.git`}/info/lfs`;
  return url.href;
}

interface BatchAnswer {
  readonly objects?: readonly {
    readonly oid?: string;
    readonly error?: { readonly message?: string };
    readonly actions?: { readonly download?: { readonly href?: string; readonly header?: Readonly<Record<string, string>> } };
  }[];
}

async function downloadAll(context: FetchContext, repository: GitRepository, pointers: readonly Pointer[]): Promise<void> {
  const server = await serverOf(context, repository);
  for (let start = 0; start < pointers.length; start += batchSize) {
    const batch = pointers.slice(start, start + batchSize);
    const answer = await askFor(context, server, batch);
    for (const pointer of batch) await download(context, server, answer, pointer);
  }
}

async function askFor(context: FetchContext, { url, headers }: LfsServer, pointers: readonly Pointer[]): Promise<BatchAnswer> {
  const address = `${url}/objects/batch`;
  const media = 'application/vnd.git-lfs+json';
  const body = JSON.stringify({ operation: 'download', transfers: ['basic'], objects: pointers });
  const { bytes } = await downloadPage(address, answerLimit, {
    headers: { ...headers, accept: media, 'content-type': media }, body: Buffer.from(body),
  }, downloadOptions(context));
  try {
    return JSON.parse(Buffer.from(bytes!).toString('utf8')) as BatchAnswer;
  } catch (error) {
    throw lfsAnswerUnreadable(address, error);
  }
}

async function download(context: FetchContext, server: LfsServer, answer: BatchAnswer, pointer: Pointer): Promise<void> {
  const found = answer.objects?.find(({ oid }) => oid === pointer.oid);
  const { href, header = {} } = found?.actions?.download ?? {};
  // Another scheme could mean a file of this machine.
  if (href === undefined || !/^https?:/i.test(href)) throw lfsObjectMissing(pointer.oid, server.url, found?.error?.message ?? 'it offers no download');
  const place = placeOf(context, pointer);
  const partial = `${place}.part`;
  await context.withLock(['git-lfs', pointer.oid], href, async () => {
    if (existsSync(place)) return;
    await context.withActivity('download', href, (activity) => downloadFile(
      href, partial, { sha256: pointer.oid, sizeBytes: pointer.size }, { ...downloadOptions(context), headers: header, activity }));
    renameSync(partial, place);
  });
}

function downloadOptions(context: FetchContext): DownloadOptions {
  return { certificatesFile: certificatesFile(context.settings, context.environment), signal: context.signal };
}

/** Pointers are shorter: the specification says so. */
const pointerLimit = 1024;
/** As many as servers commonly answer for at once. */
const batchSize = 100;
const answerLimit = 16 * 2 ** 20;
