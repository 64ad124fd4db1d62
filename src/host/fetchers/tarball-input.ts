/** Archives by URL: downloaded, unpacked through the one hardened way, and put into the store. */

import { encodeUtf8, parseHash } from '#base';
import { readSourceArchive } from '#build';
import type { NarWriter, UnpackDirectory, UnpackNode } from '#formats';
import { sortedNames } from '#formats';
import { inputFromUrl, withAttributes, type Input } from '#runtime';
import { immutableNotTarball } from '../errors.ts';
import type { CacheRecord } from './fetch-cache.ts';
import { nameOfInput, requiredPlainText, type FetchContext } from './context.ts';
import { checkLocalArchive, readUrl } from './download.ts';
import type { FetchedTree } from './git-input.ts';
import { addTreeByNar, pathOfTree, type AddedTree } from './nar-spool.ts';

export interface Archive extends AddedTree {
  readonly lastModified: number;
  /** Where the server says that the same archive will always be. */
  readonly immutableUrl: string | undefined;
}

export async function fetchTarball(context: FetchContext, input: Input): Promise<FetchedTree> {
  const archive = await fetchArchive(context, requiredPlainText(input, 'url'), nameOfInput(input));
  let locked = input;
  if (archive.immutableUrl !== undefined) {
    locked = inputFromUrl(encodeUtf8(archive.immutableUrl), { requireFeature: () => {}, trustForges: true });
    if (locked.get('type') !== 'tarball') throw immutableNotTarball();
  }
  const { storePath, narHash, lastModified } = archive;
  const isNew = lastModified !== 0 && !locked.has('lastModified');
  return { storePath, narHash, input: withAttributes(locked, { narHash, ...(isNew ? { lastModified } : {}) }) };
}

/** The tree of the archive at a URL, remembered as downloads are. */
export async function fetchArchive(
  context: FetchContext, url: string, name: string, headers: Readonly<Record<string, string>> = {},
): Promise<Archive> {
  checkLocalArchive(url);
  const seen = lookUp(context, url, name);
  if (seen.isFresh) return seen.known;
  return context.withLock(['tarball', url, name], `tarball+${url}`, () => fetchAlone(context, url, name, headers));
}

/** What the cache has, if whoever held the lock before has not made that needless. */
async function fetchAlone(
  context: FetchContext, url: string, name: string, headers: Readonly<Record<string, string>>,
): Promise<Archive> {
  const seen = lookUp(context, url, name);
  if (seen.isFresh) return seen.known;
  const { known, entityTag } = seen;
  const page = await readUrl(context, url, headers, entityTag);
  const immutableUrl = page.links.map(immutableLink).find((link) => link !== undefined);
  const archive = page.bytes === undefined ? known! : {
    ...await unpackToStore(context, page.bytes, url, name), immutableUrl,
  };
  const record: CacheRecord = {
    narHash: archive.narHash, lastModified: archive.lastModified, entityTag: page.entityTag,
    ...(archive.immutableUrl === undefined ? {} : { immutableUrl: archive.immutableUrl }),
  };
  for (const visited of page.urls) context.cache.insert('tarball', [visited], record);
  return archive;
}

type Seen = { readonly isFresh: true; readonly known: Archive }
  | { readonly isFresh: false; readonly known: Archive | undefined; readonly entityTag: string | undefined };

function lookUp(context: FetchContext, url: string, name: string): Seen {
  const cached = context.cache.lookup('tarball', [url]);
  const known = cached === undefined ? undefined : knownArchive(context, name, cached.value);
  if (cached === undefined || known === undefined) return { isFresh: false, known, entityTag: undefined };
  if (cached.ageSeconds < context.freshSeconds) return { isFresh: true, known };
  return { isFresh: false, known, entityTag: String(cached.value['entityTag'] ?? '') };
}

function knownArchive(context: FetchContext, name: string, record: CacheRecord): Archive | undefined {
  const narHash = String(record['narHash']);
  const storePath = pathOfTree(context.store, name, parseHash(narHash));
  if (!context.store.isValidPath(storePath)) return undefined;
  const immutableUrl = record['immutableUrl'];
  return {
    storePath, narHash, lastModified: Number(record['lastModified']),
    immutableUrl: immutableUrl === undefined ? undefined : String(immutableUrl),
  };
}

async function unpackToStore(
  context: FetchContext, bytes: Uint8Array, url: string, name: string,
): Promise<AddedTree & { lastModified: number }> {
  return context.withActivity('unpack', url, async () => {
    const { root, lastModified } = readSourceArchive(bytes, url);
    const tree = await addTreeByNar(
      context.store, context.cacheDirectory, name, (writer) => writeNode(writer, onlyFolder(root)));
    return { ...tree, lastModified };
  });
}

/** What is in the only folder at the top, if there is just one; else everything. */
function onlyFolder(root: UnpackDirectory): UnpackDirectory {
  const [only, ...others] = root.children.values();
  return only?.type === 'directory' && others.length === 0 ? only : root;
}

function writeNode(writer: NarWriter, node: UnpackNode): void {
  if (node.type === 'file') return writer.file(node.data, node.executable);
  if (node.type === 'symlink') return writer.symlink(node.target);
  writer.beginDirectory();
  for (const name of sortedNames(node)) {
    writer.beginEntry(name);
    writeNode(writer, node.children.get(name) as UnpackNode);
    writer.endEntry();
  }
  writer.endDirectory();
}

/** The target of a header such as `<https://…>; rel="immutable"`. */
function immutableLink(header: string): string | undefined {
  for (const [, target, parameters = ''] of header.matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g)) {
    if (/;\s*rel\s*=\s*(?:"immutable"|immutable)\s*(?:;|$)/.test(parameters)) return target;
  }
  return undefined;
}
