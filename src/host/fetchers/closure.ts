/**
 * `fetchClosure`: a path with all it refers to, out of a binary cache that the expression names.
 *
 * A path that is named by its content needs nobody's word. Any other must be signed by a key that
 * this machine trusts, or be rewritten: then its content gets the path that follows from it, and
 * that path is what the expression must say.
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FetchResult } from '#eval';
import { maybeStorePath, nameOf, type StorePath } from '#formats';
import {
  addressOutputs, bytePath, CacheSubstituter, deleteTree, LocalStore, measureNar, narPieces,
  type ScratchOutput,
} from '#store';
import {
  closureInputAddressed, closureNotInputAddressed, closureParameters, closureRewrittenTo,
  closureToPathInputAddressed, closureUnexpected, closureUrl, notStorePath,
} from '../errors.ts';
import { plainText, type FetchContext } from './context.ts';
import type { Input } from '#runtime';

export async function fetchClosure(context: FetchContext, attributes: Input): Promise<FetchResult> {
  const { store } = context;
  const url = checkUrl(context, plainText(attributes, 'fromStore') ?? '');
  const fromPath = storePathOf(context, plainText(attributes, 'fromPath') ?? '');
  const toText = plainText(attributes, 'toPath');
  store.addTemporaryRoot(fromPath);
  if (toText !== undefined) {
    const toPath = toText === '' ? undefined : storePathOf(context, toText);
    return result(await fetchRewritten(context, url, fromPath, toPath));
  }
  if (!store.isValidPath(fromPath)) await substitute(context, url, fromPath, store);
  const isNamedByContent = store.queryPathInfo(fromPath)?.contentAddress !== undefined;
  const wantsInputAddressed = attributes.get('inputAddressed') === true;
  if (wantsInputAddressed && isNamedByContent) throw closureNotInputAddressed(fromPath);
  if (!wantsInputAddressed && !isNamedByContent) throw closureInputAddressed(fromPath);
  return result(fromPath);
}

function result(storePath: StorePath): FetchResult {
  return { storePath, attributes: new Map() };
}

function checkUrl(context: FetchContext, text: string): string {
  const scheme = /^([a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  const isTest = scheme === 'file' && context.environment['_NIX_IN_TEST'] !== undefined;
  if (scheme !== 'http' && scheme !== 'https' && !isTest) throw closureUrl();
  if (text.includes('?')) throw closureParameters(text);
  return text;
}

function storePathOf(context: FetchContext, text: string): StorePath {
  const path = maybeStorePath(text, context.store.storeDirectory);
  if (path === undefined) throw notStorePath(text);
  return path;
}

async function substitute(
  context: FetchContext, url: string, path: StorePath, into: FetchContext['store'], requireSignatures?: boolean,
): Promise<void> {
  const options = context.options.cacheOptions?.([url]);
  if (options === undefined) throw closureUrl();
  const substituter = new CacheSubstituter({ ...options, ...(requireSignatures === undefined ? {} : { requireSignatures }) });
  try {
    await substituter.require([path], into, {
      progress: context.progress, ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } finally {
    substituter.close();
  }
}

async function fetchRewritten(
  context: FetchContext, url: string, fromPath: StorePath, toPath: StorePath | undefined,
): Promise<StorePath> {
  const { store } = context;
  if (toPath !== undefined) store.addTemporaryRoot(toPath);
  if (toPath === undefined || !store.isValidPath(toPath)) {
    const rewritten = await rewriteFrom(context, url, fromPath);
    if (toPath === undefined) throw closureRewrittenTo(fromPath, rewritten);
    if (rewritten !== toPath) throw closureUnexpected(fromPath, rewritten, toPath);
  }
  if (store.queryPathInfo(toPath)?.contentAddress === undefined) throw closureToPathInputAddressed(toPath);
  return toPath;
}

/** Fetches into a store of its own, from which only what was rewritten goes into ours. */
async function rewriteFrom(context: FetchContext, url: string, path: StorePath): Promise<StorePath> {
  const root = mkdtempSync(join(tmpdir(), 'firn-closure-'));
  const source = new LocalStore({ root, storeDirectory: context.store.storeDirectory });
  try {
    await substitute(context, url, path, source, false);
    return (await makeContentAddressed(source, context.store, path)).get(path)!;
  } finally {
    source.close();
    deleteTree(bytePath(root));
  }
}

/**
 * Gives a path of `source`, and all it refers to, the paths that follow from their contents, and adds
 * them to `target`. Tells the new path of each. The files in `source` are changed by it.
 */
export async function makeContentAddressed(
  source: LocalStore, target: FetchContext['store'], path: StorePath,
): Promise<Map<StorePath, StorePath>> {
  const outputs = source.closureOf([path]).map((one): ScratchOutput => ({
    name: one, pathName: nameOf(one), scratch: one, physical: source.physicalPath(one),
    method: 'recursive', algorithm: 'sha256', withoutReferences: false,
  }));
  const references = new Map(outputs.map(({ scratch }) => [scratch, source.queryPathInfo(scratch)!.references]));
  const addressed = await addressOutputs(outputs, { drvPath: path, candidates: [], storeDirectory: source.storeDirectory });
  const finals = new Map(outputs.map(({ scratch }) => [scratch, addressed.get(scratch)!.path]));
  const added = new Set<StorePath>();
  const add = async (scratch: StorePath): Promise<void> => {
    if (added.has(scratch)) return;
    added.add(scratch);
    for (const reference of references.get(scratch)!) await add(reference);
    const { path: final, physical, contentAddress } = addressed.get(scratch)!;
    const { narHash, narSizeBytes } = measureNar(bytePath(physical));
    await target.addNar({
      path: final, narHash, narSizeBytes, signatures: [],
      references: references.get(scratch)!.map((reference) => finals.get(reference)!),
      ...(contentAddress === undefined ? {} : { contentAddress }),
    }, inTurn(narPieces(bytePath(physical))));
  };
  for (const { scratch } of outputs) await add(scratch);
  return finals;
}

async function* inTurn(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
}
