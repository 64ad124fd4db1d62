/** What the evaluator may ask for: every kind of request, and who serves it. */

import { formatHash, parseHash } from '#base';
import type { FetchAttribute, FetchResult } from '#eval';
import { isDirect, parseReference, withAttributes, type Input } from '#runtime';
import { cannotFetch, downloadMismatch, featureOff, narHashMismatch } from '../errors.ts';
import { fetchClosure } from './closure.ts';
import { FetchContext, nameOfInput, requiredPlainText, type FetchOptions } from './context.ts';
import { downloadFile, pathOfFile } from './download.ts';
import { fetchTree } from './fetch-tree.ts';
import { countRevisions } from './git-input.ts';
import { pathOfTree } from './nar-spool.ts';
import { resolveInRegistries } from './registries.ts';
import { fetchArchive, fetchTarball } from './tarball-input.ts';

/** Serves a request of the builtins; throws `UserError` for what cannot be had. */
export async function fetchToStore(
  kind: string, attributes: ReadonlyMap<string, FetchAttribute>, options: FetchOptions,
): Promise<FetchResult> {
  const context = new FetchContext(options);
  switch (kind) {
    case 'fetchTree': return fetchTree(context, attributes);
    case 'fetchurl': return fetchUrl(context, attributes);
    case 'fetchTarball': return fetchPinnedTarball(context, attributes);
    case 'fetchClosure': return fetchClosure(context, attributes);
    case 'resolveInput': {
      const input = withAttributes(attributes, { registries: undefined });
      return told(await resolveInRegistries(context, input, attributes.get('registries') === 'limited'));
    }
    case 'revCount': return told(new Map([['revCount', await countRevisions(context, attributes)]]));
    default: throw cannotFetch(kind);
  }
}

/** The folder that an archive's URL or a flake in the search path means, in the store; null for neither. */
export async function fetchSearchPathEntry(entry: string, options: FetchOptions): Promise<string | null> {
  if (entry.startsWith('flake:')) return fetchNamedFlake(new FetchContext(options), entry.slice('flake:'.length));
  if (!/^(https?|file|channel):/.test(entry)) return null;
  const url = entry.startsWith('channel:')
    ? `https://channels.nixos.org/${entry.slice('channel:'.length)}/nixexprs.tar.xz` : entry;
  const { storePath } = await fetchArchive(new FetchContext(options), url, 'source');
  return storePath;
}

/** As `NIX_PATH=nixpkgs=flake:nixpkgs` means: the tree of a flake, which need not be one. */
async function fetchNamedFlake(context: FetchContext, text: string): Promise<string> {
  const requireFeature = (feature: string): void => {
    if (!context.settings.hasFeature(feature)) throw featureOff(feature);
  };
  requireFeature('flakes');
  const { input } = parseReference(text, { requireFeature, trustForges: true }, { allowMissing: true });
  const found = isDirect(input) ? input : await resolveInRegistries(context, input, false);
  return (await fetchTree(context, withAttributes(found, { dir: undefined }))).storePath;
}

/** An answer without a path. */
function told(attributes: Input): FetchResult {
  return { storePath: '', attributes };
}

async function fetchUrl(context: FetchContext, attributes: Input): Promise<FetchResult> {
  const url = requiredPlainText(attributes, 'url');
  const name = nameOfInput(attributes);
  const sha256 = attributes.get('sha256');
  const wanted = sha256 === undefined ? undefined : parseHash(String(sha256), 'sha256');
  if (wanted !== undefined) {
    const path = pathOfFile(context, name, wanted);
    if (await isThere(context, path)) return { storePath: path, attributes: new Map() };
  }
  const { storePath, hash } = await downloadFile(context, url, name);
  if (wanted !== undefined && formatHash(hash, 'sri') !== formatHash(wanted, 'sri')) {
    throw downloadMismatch(url, `sha256:${formatHash(wanted, 'nix32')}`, `sha256:${formatHash(hash, 'nix32')}`);
  }
  return { storePath, attributes: new Map() };
}

async function fetchPinnedTarball(context: FetchContext, attributes: Input): Promise<FetchResult> {
  const name = nameOfInput(attributes);
  const sha256 = attributes.get('sha256');
  const wanted = sha256 === undefined ? undefined : parseHash(String(sha256), 'sha256');
  if (wanted !== undefined) {
    const path = pathOfTree(context.store, name, wanted);
    if (await isThere(context, path)) return { storePath: path, attributes: new Map() };
  }
  const url = requiredPlainText(attributes, 'url');
  const input = new Map<string, FetchAttribute>([
    ['type', 'tarball'], ['url', String(attributes.get('url'))], ['name', name],
  ]);
  const { storePath, narHash } = await fetchTarball(context, input);
  if (wanted !== undefined && narHash !== formatHash(wanted, 'sri')) {
    throw narHashMismatch(url, formatHash(wanted, 'sri'), narHash);
  }
  return { storePath, attributes: new Map() };
}

async function isThere(context: FetchContext, path: ReturnType<typeof pathOfTree>): Promise<boolean> {
  return context.store.isValidPath(path) || (await context.options.substitute?.(path).catch(() => false) ?? false);
}
