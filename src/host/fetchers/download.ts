/**
 * Downloads that are remembered: by URL, with the entity tag that the server gave.
 *
 * Within the time that the setting `tarball-ttl` says nothing is asked again; after it the server is
 * asked whether what is known still holds. If it cannot be reached, what is known is used.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeUtf8, formatHash, hashOf, UserError, type Hash } from '#base';
import { downloadPage, type Page } from '#debian';
import { makeContentAddressedPath, noReferences, type StorePath } from '#formats';
import { parseUrl, urlPathToFile } from '#runtime';
import { readNetrc } from '#store';
import {
  tarballIsDirectory, tarballIsRepository, tarballMissing, tarballRelative, unreadableDownload,
} from '../errors.ts';
import { certificatesFile } from '../certificates.ts';
import type { FetchContext } from './context.ts';
import { addTreeByNar } from './nar-spool.ts';

export interface DownloadedFile {
  readonly storePath: StorePath;
  /** Of the file's bytes. */
  readonly hash: Hash;
  /** SRI. */
  readonly narHash: string;
}

/** The file at a URL, in the store as a flat file of this name. */
export async function downloadFile(
  context: FetchContext, url: string, name: string, headers: Readonly<Record<string, string>> = {},
): Promise<DownloadedFile> {
  const key = [url, name];
  const cached = context.cache.lookup('file', key);
  const known = cached === undefined ? undefined : knownFile(context, name, cached.value);
  if (cached !== undefined && known !== undefined && cached.ageSeconds < context.freshSeconds) return known;
  const entityTag = known === undefined ? undefined : String(cached?.value['entityTag'] ?? '');
  let page: Page;
  try {
    page = await readUrl(context, url, headers, entityTag);
  } catch (error) {
    if (known === undefined || !(error instanceof UserError)) throw error;
    context.warn(`${error.message}; using cached version`);
    return known;
  }
  const file = page.bytes === undefined ? known! : await addFile(context, name, page.bytes);
  const record = { sha256: formatHash(file.hash, 'sri'), narHash: file.narHash, entityTag: page.entityTag };
  for (const visited of page.urls) context.cache.insert('file', [visited, name], record);
  return file;
}

function knownFile(
  context: FetchContext, name: string, record: Readonly<Record<string, string | number>>,
): DownloadedFile | undefined {
  const hash = parseSri(String(record['sha256']));
  const storePath = pathOfFile(context, name, hash);
  return context.store.isValidPath(storePath) ? { storePath, hash, narHash: String(record['narHash']) } : undefined;
}

function parseSri(text: string): Hash {
  return { algorithm: 'sha256', bytes: Uint8Array.from(Buffer.from(text.replace(/^sha256-/, ''), 'base64')) };
}

/** The path of a file with this hash. */
export function pathOfFile(context: FetchContext, name: string, hash: Hash): StorePath {
  return makeContentAddressedPath(name, { method: 'flat', hash }, noReferences, context.store.storeDirectory);
}

async function addFile(context: FetchContext, name: string, bytes: Uint8Array): Promise<DownloadedFile> {
  const hash = hashOf('sha256', bytes);
  const storePath = pathOfFile(context, name, hash);
  const { narHash } = await addTreeByNar(
    context.store, context.cacheDirectory, name, (writer) => writer.file(bytes, false),
    { path: storePath, contentAddress: { method: 'flat', hash } });
  return { storePath, hash, narHash };
}

/** What is at a URL, and what the server says of it; nothing new if the entity tag still holds. */
export async function readUrl(
  context: FetchContext, url: string, headers: Readonly<Record<string, string>>, entityTag: string | undefined,
): Promise<Page> {
  context.progress.message('debug', `downloading '${url}'...`);
  if (/^file:/i.test(url)) return readLocal(url);
  const { signal } = context;
  const attempts = context.settings.number('filetransfer-retry-attempts', 5);
  return context.withActivity('download', url, (activity) => downloadPage(
    url, maximumBytes, { headers: { ...credentialHeaders(context, url), ...headers }, entityTag },
    {
      activity, retries: Math.max(0, attempts - 1),
      certificatesFile: certificatesFile(context.settings, context.environment), ...(signal === undefined ? {} : { signal }),
    }));
}

function readLocal(url: string): Page {
  try {
    const bytes = readFileSync(decodeUtf8(urlPathToFile(parseUrl(url).path)));
    return { bytes, entityTag: '', urls: [url], links: [] };
  } catch (error) {
    throw unreadableDownload(url, error);
  }
}

/** Whether a URL names a folder of this machine. */
export function isLocalFolder(url: string): boolean {
  if (!/^file:/i.test(url)) return false;
  const path = decodeUtf8(urlPathToFile(parseUrl(url).path));
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Who we are for this server, if the netrc file says so. */
export function credentialHeaders(context: FetchContext, url: string): Record<string, string> {
  const file = resolve(
    context.environment['NIX_CONF_DIR'] ?? '/etc/nix', context.settings.text('netrc-file') ?? 'netrc');
  const found = readNetrc(file)(new URL(url).hostname);
  if (found === undefined) return {};
  const text = Buffer.from(`${found.login}:${found.password}`).toString('base64');
  return { authorization: `Basic ${text}` };
}

/** Says what is wrong with a `file:` URL that names no archive. */
export function checkLocalArchive(url: string): void {
  if (!/^file:/i.test(url)) return;
  const path = decodeUtf8(urlPathToFile(parseUrl(url).path));
  if (!path.startsWith('/')) throw tarballRelative(url);
  if (!existsSync(path)) throw tarballMissing(path);
  if (!statSync(path).isDirectory()) return;
  throw existsSync(join(path, '.git')) ? tarballIsRepository(path) : tarballIsDirectory(path);
}

const maximumBytes = 2 ** 32;
