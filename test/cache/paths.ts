/** Store paths, stores and caches for the tests of binary caches. */

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { bytesOf, concatBytes, hashOf, noProgress, type Progress } from '#base';
import {
  formatNarInfo, generateSigningKey, hashPartOf, makeStorePath, NarWriter, parseSecretKey, signPath, type NarInfo,
  type PathInfo, type StorePath,
} from '#formats';
import { CacheSubstituter, deleteTree, LocalStore, type CacheSubstituterOptions } from '#store';
import type { TestServer } from '../support/http-server.ts';

export const scratch = mkdtempSync(join(tmpdir(), 'firn-cache-'));
after(() => { deleteTree(scratch); });

let count = 0;

export function freshStore(): LocalStore {
  const store = new LocalStore({ root: join(scratch, `root${count++}`) });
  after(() => store.close());
  return store;
}

export function freshFolder(): string {
  return join(scratch, `cache${count++}`);
}

export const keys = generateSigningKey('test-1');
export const secretKey = parseSecretKey(keys.secret);

/** The NAR of one file. */
export function fileNar(text: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((bytes) => { pieces.push(bytes.slice()); });
  writer.file(bytesOf(text), false);
  writer.finish();
  return concatBytes(pieces);
}

/** What is known of a path that a derivation might have made, so that it needs a signature. */
export function outputInfo(name: string, nar: Uint8Array, references: readonly StorePath[] = []): PathInfo {
  const path = makeStorePath('output:out', `sha256:${'0'.repeat(64)}`, name);
  return {
    path, narHash: hashOf('sha256', nar), narSizeBytes: nar.length, references: [...references].sort(), signatures: [],
  };
}

/** Adds such a path with a file in it. */
export async function addOutput(
  store: LocalStore, name: string, text: string, references: readonly StorePath[] = [],
): Promise<StorePath> {
  const nar = fileNar(text);
  const info = outputInfo(name, nar, references);
  await store.addNar(info, once(nar));
  return info.path;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** Puts a folder's files on a test server. */
export function serveFolder(server: TestServer, folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    server.files.set(path.slice(folder.length), readFileSync(path));
  }
}

/** Puts a cache with one path on a test server; `change` falsifies the description after it is signed. */
export function servePath(server: TestServer, info: PathInfo, file: Uint8Array, change: Partial<NarInfo> = {}): void {
  const described: NarInfo = {
    ...info, signatures: [signPath(info, secretKey)], url: `nar/${hashPartOf(info.path)}.nar`, compression: 'none', ...change,
  };
  server.files.set('/nix-cache-info', 'StoreDir: /nix/store\n');
  server.files.set(`/${hashPartOf(info.path)}.narinfo`, formatNarInfo(described));
  server.files.set(`/${described.url}`, file);
}

export function substituter(urls: readonly string[], options: Partial<CacheSubstituterOptions> = {}): CacheSubstituter {
  const made = new CacheSubstituter({
    urls, trustedKeys: [keys.public], requireSignatures: true, transport: { retryDelayMilliseconds: 1, attempts: 3 }, ...options,
  });
  after(() => made.close());
  return made;
}

/** Keeps what is told to the user. */
export function listener(): { readonly progress: Progress; readonly messages: string[] } {
  const messages: string[] = [];
  return { messages, progress: { ...noProgress, message: (level, text) => { messages.push(`${level}: ${text}`); } } };
}
