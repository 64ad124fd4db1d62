/**
 * A tree to be written, gathered from entries and from trees in the store, then made in one go.
 *
 * Paths are byte strings relative to the root; every parent is a folder of the plan itself, so that
 * nothing is ever written through a link or outside. Files of the store are hard-linked where the
 * file system allows it and copied where not: what a NAR says of the tree is the same.
 */
import {
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { bytePath, systemPath } from '#store';
import { badTreePath, fileClash } from '../errors.ts';

export type PlannedNode =
  | PlannedDirectory
  | {
      readonly type: 'text';
      readonly text: string;
      readonly executable: boolean;
      readonly origin: string;
    }
  /** A file at `source` (a physical byte path). */
  | {
      readonly type: 'file';
      readonly source: string;
      readonly executable: boolean;
      readonly sizeBytes: number;
      readonly origin: string;
      /** `executable` is not as at the source: the file is copied. */
      readonly changed?: boolean;
      /** Instead of the file, a link to this is written. */
      readonly linkTo?: string;
    }
  | {
      readonly type: 'link';
      readonly target: string;
      readonly origin: string;
      /** Written instead of `target`, which only says what the link is equal to. */
      readonly linkTo?: string;
    };

export interface PlannedDirectory {
  readonly type: 'directory';
  readonly children: Map<string, PlannedNode>;
}

export type PlannedLeaf = Exclude<PlannedNode, PlannedDirectory>;

/** Which of two different nodes at a path stays; undefined when that is an error. */
export type ClashRule = (
  path: string,
  present: PlannedNode,
  added: PlannedNode,
) => PlannedNode | undefined;

export function newPlan(): PlannedDirectory {
  return { type: 'directory', children: new Map() };
}

/** The names of a path, checked. */
export function splitTreePath(path: string): string[] {
  const parts = path.replace(/^\/+/, '').split('/');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..' || part.includes('\0')) {
      throw badTreePath(path, 'cannot stand in a tree');
    }
    if (part.length > 255) throw badTreePath(path, 'has a name longer than 255 bytes');
  }
  return parts;
}

/** The folder at `parts`, made where missing. */
export function directoryAt(plan: PlannedDirectory, parts: readonly string[]): PlannedDirectory {
  let folder = plan;
  for (const [index, part] of parts.entries()) {
    let next = folder.children.get(part);
    if (next === undefined) {
      next = newPlan();
      folder.children.set(part, next);
    }
    if (next.type !== 'directory') {
      throw badTreePath(
        parts.slice(0, index + 1).join('/'),
        'is given both as a folder and otherwise',
      );
    }
    folder = next;
  }
  return folder;
}

/** Puts `node` at `path`. Two equal leaves are one; two folders are merged; else `rule` decides. */
export function addNode(
  plan: PlannedDirectory,
  path: readonly string[],
  node: PlannedNode,
  rule: ClashRule,
): void {
  addBelow(
    directoryAt(plan, path.slice(0, -1)),
    path.slice(0, -1).join('/'),
    path.at(-1) as string,
    node,
    rule,
  );
}

function addBelow(
  folder: PlannedDirectory,
  above: string,
  name: string,
  node: PlannedNode,
  rule: ClashRule,
): void {
  const shown = above === '' ? name : `${above}/${name}`;
  const present = folder.children.get(name);
  if (present === undefined) {
    folder.children.set(name, node);
  } else if (present.type === 'directory' && node.type === 'directory') {
    for (const [child, value] of node.children) addBelow(present, shown, child, value, rule);
  } else if (!sameLeaf(present, node)) {
    const kept = rule(shown, present, node);
    if (kept === undefined) throw fileClash(shown, originOf(present), originOf(node));
    folder.children.set(name, kept);
  }
}

/** The tree at `physical` (an ordinary path) as a plan; `keep` prunes by path relative to it. */
export function planOfTree(
  physical: string,
  origin: string,
  keep: (path: string) => boolean = () => true,
): PlannedNode {
  return readNode(bytePath(physical), '', origin, keep);
}

/** Writes the plan at `out` (an ordinary path), where nothing may stand. */
export function writePlan(out: string, plan: PlannedNode): void {
  writeNode(bytePath(out), plan);
}

function readNode(
  path: string,
  relative: string,
  origin: string,
  keep: (path: string) => boolean,
): PlannedNode {
  const status = lstatSync(systemPath(path));
  if (status.isSymbolicLink()) {
    return { type: 'link', target: readlinkSync(systemPath(path), 'latin1'), origin };
  }
  if (!status.isDirectory()) {
    const executable = (status.mode & 0o111) !== 0;
    return { type: 'file', source: path, executable, sizeBytes: status.size, origin };
  }
  const folder = newPlan();
  for (const name of readdirSync(systemPath(path), 'latin1').sort()) {
    const below = relative === '' ? name : `${relative}/${name}`;
    if (keep(below)) folder.children.set(name, readNode(`${path}/${name}`, below, origin, keep));
  }
  return folder;
}

function writeNode(path: string, node: PlannedNode): void {
  switch (node.type) {
    case 'directory':
      mkdirSync(systemPath(path), 0o755);
      for (const name of [...node.children.keys()].sort()) {
        writeNode(`${path}/${name}`, node.children.get(name) as PlannedNode);
      }
      break;
    case 'link':
      symlinkSync(Buffer.from(node.linkTo ?? node.target, 'latin1'), systemPath(path));
      break;
    case 'text':
      writeFileSync(systemPath(path), Buffer.from(node.text, 'latin1'), {
        flag: 'wx',
        mode: node.executable ? 0o755 : 0o644,
      });
      break;
    case 'file':
      if (node.linkTo !== undefined) {
        symlinkSync(Buffer.from(node.linkTo, 'latin1'), systemPath(path));
      } else if (node.changed) {
        writeFileSync(systemPath(path), readFileSync(systemPath(node.source)), {
          flag: 'wx',
          mode: node.executable ? 0o755 : 0o644,
        });
      } else {
        linkOrCopy(node.source, path);
      }
      break;
  }
}

// A store on a file system without hard links, or a file with too many of them, is copied from.
const copyInstead = new Set(['EXDEV', 'EMLINK', 'EPERM', 'EOPNOTSUPP', 'ENOTSUP']);

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(systemPath(source), systemPath(target));
  } catch (error) {
    if (!copyInstead.has((error as { code?: string }).code ?? '')) throw error;
    copyFileSync(
      systemPath(source),
      systemPath(target),
      constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE,
    );
  }
}

function sameLeaf(left: PlannedNode, right: PlannedNode): boolean {
  if (left.type === 'directory' || right.type === 'directory') return false;
  if (left.type === 'link' || right.type === 'link') {
    return left.type === 'link' && right.type === 'link' && left.target === right.target;
  }
  if (left.executable !== right.executable) return false;
  if (left.type === 'file' && right.type === 'file' && left.sizeBytes !== right.sizeBytes)
    return false;
  return contentOf(left).equals(contentOf(right));
}

function contentOf(node: Extract<PlannedNode, { type: 'text' | 'file' }>): Buffer {
  return node.type === 'text'
    ? Buffer.from(node.text, 'latin1')
    : readFileSync(systemPath(node.source));
}

function originOf(node: PlannedNode): string {
  if (node.type !== 'directory') return node.origin;
  for (const child of node.children.values()) return originOf(child);
  return 'an empty folder';
}
