/**
 * Trees in the store that are copies of others, under the names that their users know: the folder of
 * a repository that is worked on, or the address of what was fetched. Messages say those names.
 */

export interface SourceTree {
  /** What stands for the tree's folder. */
  name(): string;
  /** What is said of a path in the tree that is not there; `inner` has no slash in front. */
  missing(inner: string): string;
}

const trees = new Map<string, SourceTree>();

/** Gives a folder of the store a name. All texts are byte strings. */
export function registerTree(folder: string, tree: SourceTree): void {
  trees.set(folder, tree);
}

/** A path as messages have it. */
export function shownPath(path: string): string {
  const found = treeOf(path);
  return found === undefined ? path : found.tree.name() + (found.inner === '' ? '' : `/${found.inner}`);
}

/** The message for a path that does not exist. */
export function missingPath(path: string): string {
  const found = treeOf(path);
  return found === undefined || found.inner === '' ? `path '${path}' does not exist` : found.tree.missing(found.inner);
}

function treeOf(path: string): { tree: SourceTree; inner: string } | undefined {
  if (trees.size === 0) return undefined;
  for (const [folder, tree] of trees) {
    if (path === folder) return { tree, inner: '' };
    if (path.startsWith(`${folder}/`)) return { tree, inner: path.slice(folder.length + 1) };
  }
  return undefined;
}
