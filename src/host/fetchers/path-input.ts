/** `path:` inputs: a folder as it is, copied into the store. */

import { lstatSync } from 'node:fs';
import { decodeUtf8, formatHash } from '#base';
import { isBelowStore, maybeStorePath, nameOf } from '#formats';
import { canonicalPath, inputToUrl, withAttributes, type Input } from '#runtime';
import { bytePath, systemPath, visitTree } from '#store';
import { noSuchPath, relativeInput } from '../errors.ts';
import type { FetchContext } from './context.ts';
import type { FetchedTree } from './git-input.ts';

export async function fetchPath(context: FetchContext, input: Input): Promise<FetchedTree> {
  const { store } = context;
  const given = String(input.get('path'));
  if (!given.startsWith('/')) throw relativeInput(inputToUrl(input));
  const path = canonicalPath(given);
  const inStore = maybeStorePath(path, store.storeDirectory);
  const isThere = inStore !== undefined && nameOf(inStore) === 'source' && store.isValidPath(inStore);
  let storePath = inStore!;
  let lastModified = 0;
  if (!isThere) {
    const plain = decodeUtf8(path);
    const physical = isBelowStore(path, store.storeDirectory) ? store.physicalPath(plain) : plain;
    if (lstatSync(systemPath(bytePath(physical)), { throwIfNoEntry: false }) === undefined) {
      throw noSuchPath(plain);
    }
    storePath = store.addTree('source', physical, { method: 'recursive', algorithm: 'sha256' });
    visitTree(bytePath(physical), (_, status) => {
      lastModified = Math.max(lastModified, Math.floor(status.mtimeMs / 1000));
    });
  }
  const narHash = formatHash(store.queryPathInfo(storePath)!.narHash, 'sri');
  const found = input.has('lastModified') ? {} : { lastModified };
  return { storePath, narHash, input: withAttributes(input, found) };
}
