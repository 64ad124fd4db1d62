/** The files of a work tree that belong to it, those of its submodules included if they are wanted. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { decodeUtf8 } from '#base';
import type { FetchContext } from './context.ts';
import { GitRepository } from './git-repository.ts';

export interface WorkTreeFiles {
  /** Byte strings, relative to the top. */
  readonly files: ReadonlySet<string>;
  /** All folders above them. */
  readonly folders: ReadonlySet<string>;
  readonly head: string | undefined;
  readonly isDirty: boolean;
}

export interface WorkTreeOptions {
  readonly submodules: boolean;
  readonly exportIgnore: boolean;
}

export async function workTreeFiles(
  repository: GitRepository, context: FetchContext, options: WorkTreeOptions,
): Promise<WorkTreeFiles> {
  const tree = await repository.workTree();
  const files = new Set(options.exportIgnore ? await exported(repository, tree.files) : tree.files);
  const folders = new Set<string>();
  let { isDirty } = tree;
  for (const { path } of options.submodules ? tree.submodules : []) {
    const folder = join(repository.directory, decodeUtf8(path));
    folders.add(path);
    if (!isRepository(folder)) continue;
    const inner = await workTreeFiles(
      new GitRepository(folder, context.environment, context.signal), context, options);
    for (const file of inner.files) files.add(`${path}/${file}`);
    for (const inside of inner.folders) folders.add(`${path}/${inside}`);
    isDirty ||= inner.isDirty;
  }
  for (const path of [...files, ...folders]) addFoldersAbove(path, folders);
  return { files, folders, head: tree.head, isDirty };
}

/** What the work tree's attributes let through. */
async function exported(repository: GitRepository, files: ReadonlySet<string>): Promise<string[]> {
  const all = [...files];
  if (!all.some((path) => /(?:^|\/)\.gitattributes$/.test(path))) return all;
  const folders = new Set<string>();
  for (const path of all) addFoldersAbove(path, folders);
  const ignored = await repository.exportIgnored([...all, ...[...folders].map((path) => `${path}/`)]);
  const isBelowIgnored = (path: string) => {
    const above = new Set<string>();
    addFoldersAbove(path, above);
    return [...above].some((folder) => ignored.has(`${folder}/`));
  };
  return all.filter((path) => !ignored.has(path) && !isBelowIgnored(path));
}

function addFoldersAbove(path: string, folders: Set<string>): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end);
    if (folders.has(folder)) return;
    folders.add(folder);
  }
}

/** A submodule that was never checked out is an empty folder. */
function isRepository(folder: string): boolean {
  return lstatSync(join(folder, '.git'), { throwIfNoEntry: false }) !== undefined;
}
