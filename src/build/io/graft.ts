/**
 * Entries from a list of {source, target}: each source, a file or a whole directory of the store,
 * at its target in an image.
 */
import type { TreeEntry } from '#images';
import type { Attributes } from './attributes.ts';
import { hostTree } from './host-tree.ts';
import type { PhysicalPath } from './inputs.ts';
import { followInput } from './inputs.ts';

/** A later source wins where two bring the same path; directories are merged. */
export function graftEntries(
  contents: readonly Attributes[],
  physicalPath: PhysicalPath,
  mtime: number,
): TreeEntry[] {
  const byPath = new Map<string, TreeEntry>();
  for (const attributes of contents) {
    const target = imagePath(attributes.string('target'));
    const source = followInput(attributes.string('source'), physicalPath);
    for (const entry of hostTree(source, target, { mtime })) byPath.set(entry.path, entry);
  }
  return [...byPath.values()];
}

/** A path as people write it, `/boot/`, as images have it, `boot`. */
export function imagePath(path: string): string {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/');
}
