/** The tree of a commit as it goes into the store: without what is not to be exported, with submodules. */

import { withAttributes, type Input } from '#runtime';
import type { FetchContext } from './context.ts';
import { hangLargeFiles } from './git-lfs.ts';
import { cachedCommit, locateGit, repositoryAt } from './git-input.ts';
import type { GitRepository, Submodule } from './git-repository.ts';
import {
  hangInto, submoduleMode, treeOfEntries, type GitDirectory, type TreeEntry,
} from './git-tree.ts';

export interface ExportOptions {
  readonly submodules: boolean;
  readonly exportIgnore: boolean;
  readonly lfs: boolean;
  /** What a submodule means by `branch = .` */
  readonly branch: string;
}

export async function exportedTree(
  context: FetchContext, repository: GitRepository, revision: string, options: ExportOptions,
): Promise<GitDirectory> {
  const all = await repository.entries(revision);
  const attributes = await attributeTexts(repository, revision, all);
  const ignores = options.exportIgnore && attributes.some((text) => text.includes('export-ignore'));
  const entries = ignores ? await withoutIgnored(repository, revision, all) : all;
  const root = treeOfEntries(repository, entries);
  if (options.lfs && attributes.some((text) => /filter=lfs/.test(text))) {
    await hangLargeFiles(context, repository, revision, entries, root);
  }
  if (!options.submodules) return root;
  for (const submodule of await repository.submodules(revision)) {
    const entry = all.find(({ mode, path }) => mode === submoduleMode && path === submodule.path);
    // Old entries may stay behind when a submodule is removed.
    if (entry === undefined) continue;
    hangInto(root, submodule.path, await submoduleTree(context, repository, submodule, entry.object, options));
  }
  return root;
}

async function submoduleTree(
  context: FetchContext, parent: GitRepository, submodule: Submodule, revision: string, options: ExportOptions,
): Promise<GitDirectory> {
  const branch = submodule.branch === '.' ? options.branch : submodule.branch;
  const input: Input = withAttributes(new Map([
    ['type', 'git'], ['url', submoduleUrl(submodule.url, await parent.origin() ?? parent.directory)],
  ]), { rev: revision, allRefs: true, ...(branch === '' ? {} : { ref: branch }) });
  const location = locateGit(context, input);
  if ('folder' in location) {
    const repository = repositoryAt(context, location.folder);
    return exportedTree(context, repository, revision, options);
  }
  const { repository } = await cachedCommit(context, input, location.url, false);
  return exportedTree(context, repository, revision, options);
}

/** A submodule's address, which may be relative to its parent's. */
export function submoduleUrl(url: string, parent: string): string {
  if (!/^\.\.?(?:\/|$)/.test(url)) return url.startsWith('/') ? `file://${encodeURI(url)}` : url;
  let base = parent.replace(/\/+$/, '');
  let rest = url;
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      base = base.replace(/[/:][^/:]*$/, '');
    } else break;
  }
  const joined = `${base}/${rest}`;
  return joined.startsWith('/') ? `file://${encodeURI(joined)}` : joined;
}

async function attributeTexts(
  repository: GitRepository, revision: string, entries: readonly TreeEntry[],
): Promise<string[]> {
  const files = entries.filter(({ mode, path }) => mode.startsWith('100') && /(?:^|\/)\.gitattributes$/.test(path));
  return Promise.all(files.map(({ path }) => repository.readFile(revision, path)));
}

async function withoutIgnored(
  repository: GitRepository, revision: string, entries: readonly TreeEntry[],
): Promise<TreeEntry[]> {
  const nameOf = ({ mode, path }: TreeEntry) => (mode === '040000' ? `${path}/` : path);
  const ignored = await repository.exportIgnored(entries.map(nameOf), revision);
  const isBelowIgnored = (path: string) => path.split('/')
    .some((_, index, parts) => index > 0 && ignored.has(`${parts.slice(0, index).join('/')}/`));
  return entries.filter((entry) => !ignored.has(nameOf(entry)) && !isBelowIgnored(entry.path));
}
