/**
 * Git inputs: which repository and revision are meant, what is known of it, and its tree in the store.
 *
 * A local repository without a revision is taken as it lies there: the files that Git knows of, with
 * their contents of now. Everything else is a commit, of a local repository or of a bare copy in the
 * cache, into which only what is needed is fetched.
 */

import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { decodeUtf8, encodeNix32, formatHash, hashOf, parseHash } from '#base';
import type { StorePath } from '#formats';
import {
  canonicalPath, flagAttribute, inputToUrl, parseUrl, printUrl, revisionOf, urlPathToFile,
  withAttributes, type Input,
} from '#runtime';
import { bytePath, lockFile } from '#store';
import {
  gitFetchFailed, gitRevisionMissing, gitTreeDirty, notExportedWithSubmodules, shallowHasNoCount,
} from '../errors.ts';
import { nameOfInput, plainText, requiredPlainText, type FetchContext } from './context.ts';
import { exportedTree } from './git-export.ts';
import { GitRepository, remoteHead } from './git-repository.ts';
import { writeGitTree } from './git-tree.ts';
import { verifyCommit } from './git-verify.ts';
import { workTreeFiles } from './git-work-tree.ts';
import { addTreeByNar, pathOfTree } from './nar-spool.ts';

export interface FetchedTree {
  readonly storePath: StorePath;
  /** SRI. */
  readonly narHash: string;
  /** With what was found out. */
  readonly input: Input;
}

/** Where a repository is: in a local folder, or at a URL. */
export type GitLocation = { readonly folder: string } | { readonly url: string };

const nullRevision = '0'.repeat(40);

export async function fetchGit(context: FetchContext, input: Input): Promise<FetchedTree> {
  if (flagAttribute(input, 'exportIgnore') === true && flagAttribute(input, 'submodules') === true) {
    throw notExportedWithSubmodules();
  }
  const location = locateGit(context, input);
  const isWorkTree = 'folder' in location && !input.has('ref') && !input.has('rev');
  return isWorkTree ? fetchWorkTree(context, input, location.folder) : fetchCommit(context, input, location);
}

export function locateGit(context: FetchContext, input: Input): GitLocation {
  const url = parseUrl(String(input.get('url')));
  if (url.scheme === 'file') {
    const folder = decodeUtf8(urlPathToFile(url.path));
    const isForced = context.environment['_NIX_FORCE_HTTP'] === '1';
    const isBare = existsSync(folder) && !existsSync(join(folder, '.git'));
    if (!isForced && !isBare) {
      if (!folder.startsWith('/')) {
        context.warn(
          `Fetching Git repository '${decodeUtf8(printUrl(url))}', which uses a path relative to the current directory.`
          + ' This is not supported and will stop working in a future release.');
      }
      const place = folder.startsWith('/') ? canonicalPath(folder) : resolve(folder);
      // A link to a repository means the repository.
      const isLink = lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true;
      return { folder: isLink && existsSync(place) ? realpathSync(place) : place };
    }
    // Git takes a query for a part of the file's name.
    url.query.clear();
  }
  url.query.delete('dir');
  return { url: decodeUtf8(printUrl(url)) };
}

async function fetchWorkTree(context: FetchContext, input: Input, folder: string): Promise<FetchedTree> {
  const repository = repositoryAt(context, folder);
  const isShallowWanted = flagAttribute(input, 'shallow') === true;
  const files = await workTreeFiles(repository, context, {
    submodules: flagAttribute(input, 'submodules') === true, exportIgnore: flagAttribute(input, 'exportIgnore') === true,
  });
  const { head } = files;
  const found: Record<string, string | number> = {
    lastModified: head === undefined ? 0 : await lastModified(context, repository, head),
  };
  if (!files.isDirty) {
    const branch = await repository.headBranch();
    if (branch !== undefined) found['ref'] = branch;
    found['rev'] = head ?? nullRevision;
    if (!isShallowWanted) {
      if (head === undefined) found['revCount'] = 0;
      else found['revCountIn'] = bytePath(folder);
    }
  } else {
    if (!context.settings.flag('allow-dirty', true)) throw gitTreeDirty(folder);
    if (context.settings.flag('warn-dirty', true)) context.warn(`Git tree '${folder}' is dirty`);
    if (head !== undefined) {
      found['dirtyRev'] = `${head}-dirty`;
      found['dirtyShortRev'] = `${head.slice(0, 7)}-dirty`;
    }
  }
  await verifyCommit(input, files.isDirty ? undefined : { repository, revision: head ?? nullRevision });
  context.progress.message('debug', `copying '${folder}' to the store`);
  const storePath = context.store.addTree(nameOfInput(input), folder, {
    method: 'recursive', algorithm: 'sha256',
    filter: (path, type) => (type === 'directory' ? files.folders : files.files).has(path.slice(1)),
  });
  const narHash = formatHash(context.store.queryPathInfo(storePath)!.narHash, 'sri');
  return { storePath, narHash, input: withAttributes(input, found) };
}

async function fetchCommit(context: FetchContext, given: Input, location: GitLocation): Promise<FetchedTree> {
  const isShallow = flagAttribute(given, 'shallow') === true;
  const { repository, ref, revision } = 'folder' in location
    ? await localCommit(context, given, location.folder)
    : await cachedCommit(context, given, location.url, isShallow);
  const found: Record<string, string | number> = { ref, rev: revision };
  if (!given.has('lastModified')) found['lastModified'] = await lastModified(context, repository, revision);
  if (!isShallow && !given.has('revCount')) found['revCountIn'] = bytePath(repository.directory);
  const input = withAttributes(given, found);
  await verifyCommit(input, { repository, revision });
  const flags = ['submodules', 'exportIgnore', 'lfs'].map((name) => (flagAttribute(input, name) === true ? name : ''));
  const name = nameOfInput(input);
  const known = context.cache.lookup('git-tree', [revision, ...flags])?.value['narHash'];
  if (known !== undefined) {
    const storePath = pathOfTree(context.store, name, parseHash(String(known)));
    if (context.store.isValidPath(storePath)) return { storePath, narHash: String(known), input };
  }
  const tree = await context.withActivity('unpack', inputToUrl(input), async () => {
    const root = await exportedTree(context, repository, revision, {
      submodules: flagAttribute(input, 'submodules') === true,
      exportIgnore: flagAttribute(input, 'exportIgnore') === true,
      lfs: flagAttribute(input, 'lfs') === true,
      branch: ref,
    });
    return addTreeByNar(context.store, context.cacheDirectory, name, (writer) => writeGitTree(root, writer));
  });
  context.cache.insert('git-tree', [revision, ...flags], { narHash: tree.narHash });
  return { ...tree, input };
}

interface Commit {
  readonly repository: GitRepository;
  readonly ref: string;
  readonly revision: string;
}

async function localCommit(context: FetchContext, input: Input, folder: string): Promise<Commit> {
  const repository = repositoryAt(context, folder);
  let ref = plainText(input, 'ref') ?? await repository.headBranch();
  if (ref === undefined) {
    warnNoHead(context, folder);
    ref = 'master';
  }
  const given = revisionOf(input);
  if (given !== undefined && !(await repository.hasObject(`${given}^{commit}`))) {
    throw gitRevisionMissing(given, ref, folder);
  }
  return { repository, ref, revision: given ?? await repository.resolve(ref) };
}

/** A commit in the cache's copy of a repository, fetched if it is not there or not fresh. */
export async function cachedCommit(
  context: FetchContext, input: Input, url: string, isShallow: boolean,
): Promise<Commit> {
  const key = encodeNix32(hashOf('sha256', url).bytes);
  const folder = join(context.cacheDirectory, 'gitv3', `${key}${isShallow ? '-shallow' : ''}`);
  const repository = repositoryAt(context, folder);
  await repositoryLock(context, folder, async () => {
    await repository.create();
    await repository.setOrigin(url);
  });
  const named = plainText(input, 'ref');
  const ref = named ?? await defaultRef(context, url);
  const given = revisionOf(input);
  const allRefs = flagAttribute(input, 'allRefs') === true;
  const local = ref.startsWith('refs/') || ref === 'HEAD' ? ref : `refs/heads/${ref}`;
  const cacheKey = [url, local, isShallow ? 'shallow' : ''];
  const isThere = given !== undefined ? await repository.hasObject(given)
    : !allRefs && isFresh(context, cacheKey) && (await repository.maybeResolve(local)) !== undefined;
  if (!isThere) {
    const refspec = allRefs ? 'refs/*:refs/*' : given ?? `${local}:${local}`;
    const failure = await repositoryLock(context, folder, () => context.withActivity('download', url, () =>
      repository.fetch(url, refspec, isShallow)));
    if (failure === undefined) {
      if (given === undefined) context.cache.insert('git-ref', cacheKey, { ref: local });
    } else if ((await repository.maybeResolve(local)) === undefined) {
      throw gitFetchFailed(url, failure);
    } else {
      context.warn(failure);
      context.warn(`could not update local clone of Git repository '${url}'; continuing with the most recent version`);
    }
  }
  if (given === undefined) return { repository, ref, revision: await repository.resolve(local) };
  if (!(await repository.hasObject(given))) throw gitRevisionMissing(given, ref, url);
  return { repository, ref, revision: given };
}

function isFresh(context: FetchContext, key: readonly string[]): boolean {
  const cached = context.cache.lookup('git-ref', key);
  return cached !== undefined && cached.ageSeconds < context.freshSeconds;
}

/** The branch that the repository's owner means when nobody names one. */
async function defaultRef(context: FetchContext, url: string): Promise<string> {
  const cached = context.cache.lookup('git-head', [url]);
  if (cached !== undefined && cached.ageSeconds < context.freshSeconds) return String(cached.value['ref']);
  const ref = await remoteHead(url, { environment: context.environment, signal: context.signal });
  if (ref !== undefined) {
    context.cache.insert('git-head', [url], { ref });
    return ref;
  }
  if (cached !== undefined) {
    const known = String(cached.value['ref']);
    context.warn(`could not get HEAD ref for repository '${url}'; using expired cached ref '${known}'`);
    return known;
  }
  warnNoHead(context, url);
  return 'master';
}

function warnNoHead(context: FetchContext, place: string): void {
  context.warn(`could not read HEAD ref from repo at '${place}', using 'master'`);
}

async function lastModified(context: FetchContext, repository: GitRepository, revision: string): Promise<number> {
  const known = context.cache.lookup('git-time', [revision])?.value['lastModified'];
  if (typeof known === 'number') return known;
  const time = await repository.lastModified(revision);
  context.cache.insert('git-time', [revision], { lastModified: time });
  return time;
}

/** How many commits lead to a revision: asked for when somebody wants to know. */
export async function countRevisions(context: FetchContext, input: Input): Promise<number> {
  const folder = requiredPlainText(input, 'directory');
  const revision = requiredPlainText(input, 'rev');
  const repository = repositoryAt(context, folder);
  if (await repository.isShallow()) throw shallowHasNoCount(folder);
  const known = context.cache.lookup('git-count', [revision])?.value['revCount'];
  if (typeof known === 'number') return known;
  const revCount = await repository.revisionCount(revision);
  context.cache.insert('git-count', [revision], { revCount });
  return revCount;
}

export function repositoryAt(context: FetchContext, folder: string): GitRepository {
  return new GitRepository(folder, context.environment, context.signal);
}

async function repositoryLock<T>(context: FetchContext, folder: string, action: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(folder), { recursive: true });
  const lock = await lockFile(`${folder}.lock`, 'exclusive', { signal: context.signal });
  try {
    return await action();
  } finally {
    lock.release();
  }
}

