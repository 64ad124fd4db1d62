/**
 * Names in the ISO 9660 and Joliet trees. The name that matters stands in Rock Ridge; these are for
 * readers that do not know it, so they are shortened and made unique, and never refused.
 */
import { decodeUtf8 } from '#base';
import { compareByteStrings } from '../bytes.ts';
import type { TreeNode } from '../tree.ts';
import { ucs2 } from './format.ts';

/** Level 2 and 3 allow 31 characters with the dot, without the version. */
const isoNameLength = 30;
const jolietNameLength = 103;

/** A child's identifier in its directory, in the order in which records must stand. */
export interface NamedChild {
  readonly node: TreeNode;
  readonly identifier: string;
}

/** Identifiers of capital letters, digits and `_`: `README.TXT;1`, `ISOLINUX`. */
export function isoNames(children: readonly TreeNode[]): NamedChild[] {
  const used = new Set<string>();
  const named = children.map((node) => {
    const { base, extension } = isoParts(node);
    const name = unique(used, (suffix) => {
      const room = isoNameLength - extension.length;
      return base.slice(0, room - suffix.length) + suffix + '.' + extension;
    });
    const isDirectory = node.entry.type === 'directory';
    return { node, identifier: isDirectory ? name.slice(0, -1) : `${name};1` };
  });
  return named.sort((a, b) => compareIsoNames(a.identifier, b.identifier));
}

/** Identifiers in UCS-2 of up to 103 characters. Only files and directories are in the Joliet tree. */
export function jolietNames(children: readonly TreeNode[]): NamedChild[] {
  const used = new Set<string>();
  const named = children
    .filter(({ entry }) => entry.type === 'file' || entry.type === 'directory')
    .map((node) => {
      const text = decodeUtf8(node.name).replace(/[\x00-\x1f*/:;?\\]/g, '_');
      const dot = text.lastIndexOf('.');
      const [base, extension] =
        dot > 0 && text.length - dot <= 17 ? [text.slice(0, dot), text.slice(dot)] : [text, ''];
      const name = unique(used, (suffix) => {
        return (
          base.slice(0, jolietNameLength - extension.length - suffix.length) + suffix + extension
        );
      });
      return { node, identifier: ucs2(name) };
    });
  return named.sort((a, b) => compareByteStrings(a.identifier, b.identifier));
}

function isoParts(node: TreeNode): { base: string; extension: string } {
  const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
  const dot = node.name.lastIndexOf('.');
  if (node.entry.type === 'directory' || dot <= 0) return { base: clean(node.name), extension: '' };
  return {
    base: clean(node.name.slice(0, dot)),
    extension: clean(node.name.slice(dot + 1)).slice(0, isoNameLength - 4),
  };
}

/** The first of the names with suffixes "", "0", "1" … that is not taken. */
function unique(used: Set<string>, withSuffix: (suffix: string) => string): string {
  for (let number = -1; ; number++) {
    const name = withSuffix(number < 0 ? '' : String(number));
    if (used.has(name)) continue;
    used.add(name);
    return name;
  }
}

/** By name, then by extension, each as if padded with spaces. ECMA-119, 9.3. */
function compareIsoNames(a: string, b: string): number {
  const parts = (name: string): string[] => {
    const [whole = ''] = name.split(';');
    const dot = whole.indexOf('.');
    return dot < 0 ? [whole, ''] : [whole.slice(0, dot), whole.slice(dot + 1)];
  };
  const [left, right] = [parts(a), parts(b)];
  return compareByteStrings(left[0]!, right[0]!) || compareByteStrings(left[1]!, right[1]!);
}
