/**
 * Fetching an input of any kind, and holding what was fetched against what was asked for.
 *
 * An input that names everything already, as lock files do, is taken from the store or from who
 * can substitute it before its own source is asked.
 */

import { parseHash } from '#base';
import type { FetchResult } from '#eval';
import {
  inputToJson, inputToUrl, isFinalInput, narHashOf, revisionOf, withAttributes, type Input,
} from '#runtime';
import {
  cannotFetch, indirectInput, inputMismatch, narHashMismatch, revisionMismatch,
} from '../errors.ts';
import { nameOfInput, requiredPlainText, type FetchContext } from './context.ts';
import { downloadFile } from './download.ts';
import { fetchForge } from './forge-input.ts';
import { fetchGit, type FetchedTree } from './git-input.ts';
import { fetchMercurial } from './mercurial-input.ts';
import { pathOfTree } from './nar-spool.ts';
import { fetchPath } from './path-input.ts';
import { fetchTarball } from './tarball-input.ts';

type Fetcher = (context: FetchContext, input: Input) => Promise<FetchedTree>;

const fetchers: Readonly<Record<string, Fetcher>> = {
  file: fetchFile,
  git: fetchGit,
  github: fetchForge,
  gitlab: fetchForge,
  hg: fetchMercurial,
  path: fetchPath,
  sourcehut: fetchForge,
  tarball: fetchTarball,
};

/** The tree of an input in the store, with the input as it is locked now. */
export async function fetchTree(context: FetchContext, input: Input): Promise<FetchResult> {
  const known = isFinalInput(input) ? await knownTree(context, input) : undefined;
  const { storePath, attributes } = known ?? await fetchFromSource(context, input);
  context.store.addTemporaryRoot(storePath);
  return { storePath, attributes };
}

async function fetchFromSource(
  context: FetchContext, input: Input,
): Promise<{ storePath: FetchedTree['storePath']; attributes: Input }> {
  const type = String(input.get('type'));
  if (type === 'indirect') throw indirectInput(inputToUrl(input));
  const fetcher = Object.hasOwn(fetchers, type) ? fetchers[type] : undefined;
  if (fetcher === undefined) throw cannotFetch(type);
  const { storePath, narHash, input: found } = await fetcher(context, input);
  return { storePath, attributes: checkLocks(input, withAttributes(found, { narHash, __final: true })) };
}

/** A tree that is known by its hash. */
async function knownTree(
  context: FetchContext, input: Input,
): Promise<{ storePath: FetchedTree['storePath']; attributes: Input } | undefined> {
  const narHash = narHashOf(input);
  if (narHash === undefined) return undefined;
  const storePath = pathOfTree(context.store, nameOfInput(input), parseHash(narHash));
  const isThere = context.store.isValidPath(storePath)
    || (await context.options.substitute?.(storePath).catch(() => false) ?? false);
  return isThere ? { storePath, attributes: withAttributes(input, { narHash }) } : undefined;
}

/** Fails unless what was found is what was specified; gives the attributes that hold. */
function checkLocks(specified: Input, found: Input): Input {
  const wanted = narHashOf(specified);
  if (isFinalInput(specified)) {
    const fixed = wanted === undefined ? specified : withAttributes(specified, { narHash: wanted });
    for (const [name, value] of fixed) {
      const other = found.get(name);
      if (other !== undefined && other !== value) throw inputMismatch(name, inputToJson(fixed), inputToJson(found));
    }
    return fixed;
  }
  const got = narHashOf(found);
  if (wanted !== undefined && got !== wanted) {
    throw narHashMismatch(inputToUrl(specified), wanted, got ?? 'none');
  }
  const revision = revisionOf(specified);
  if (revision !== undefined && revisionOf(found) !== revision) throw revisionMismatch(inputToUrl(found), revision);
  return found;
}

async function fetchFile(context: FetchContext, input: Input): Promise<FetchedTree> {
  const { storePath, narHash } = await downloadFile(context, requiredPlainText(input, 'url'), nameOfInput(input));
  return { storePath, narHash, input };
}
