/**
 * `builtin:link-trees`: one tree of links to the files of several, as symlinkJoin and buildEnv make.
 *
 * Attributes: `trees`, `pathsToLink` (only what lies at or below them), `ignoreCollisions` (the
 * first tree wins where contents differ, instead of an error). Folders are real, everything else is
 * a link into its tree. If any tree is laid out as Debian's are, all are, as `builtin:merge-trees`
 * does it.
 */
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import {
  addNode,
  newPlan,
  planOfTree,
  writePlan,
  type ClashRule,
  type PlannedNode,
} from '../io/tree-plan.ts';
import { addLaidOut, addUsrLinks } from './merge-trees.ts';

export const linkTreesBuilder: BuiltinBuilder = {
  name: 'builtin:link-trees',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:link-trees');
    const trees = attributes.strings('trees').map((path) => {
      job.signal.throwIfAborted();
      return asLinks(planOfTree(job.inputs.physicalPath(path), path), path);
    });
    const wanted = attributes.has('pathsToLink') ? attributes.strings('pathsToLink') : ['/'];
    const rule: ClashRule = attributes.boolean('ignoreCollisions', false)
      ? (_path, present) => present
      : () => undefined;
    const isDebian = trees.some(hasUsr);
    const plan = newPlan();
    for (const tree of trees) {
      if (isDebian) addLaidOut(plan, tree, () => false, rule);
      else if (tree.type === 'directory') {
        for (const [name, node] of tree.children) addNode(plan, [name], node, rule);
      }
    }
    keepWanted(plan, '', wanted.map((path) => path.replace(/^\/+|\/+$/g, '')), isDebian);
    if (isDebian) addUsrLinks(plan);
    writePlan(job.outputs.get('out') as string, plan);
  },
};

function hasUsr(tree: PlannedNode): boolean {
  return tree.type === 'directory' && tree.children.get('usr')?.type === 'directory';
}

/** The same tree, each leaf to be written as a link to `path` and its own place below it. */
function asLinks(node: PlannedNode, path: string): PlannedNode {
  if (node.type === 'directory') {
    for (const [name, child] of node.children) {
      node.children.set(name, asLinks(child, `${path}/${name}`));
    }
    return node;
  }
  return node.type === 'text' ? node : { ...node, linkTo: path };
}

/** Removes what is neither above, at nor below one of the wanted paths. */
function keepWanted(node: PlannedNode, path: string, wanted: readonly string[], isDebian: boolean): void {
  if (node.type !== 'directory' || wanted.includes('')) return;
  for (const [name, child] of node.children) {
    const below = path === '' ? name : `${path}/${name}`;
    // `/bin` means what stands at usr/bin in a tree of Debian's layout.
    const plain = isDebian ? below.replace(/^usr\//, '') : below;
    const matches = (test: (wish: string) => boolean): boolean => wanted.some(test);
    if (matches((wish) => isAtOrBelow(below, wish) || isAtOrBelow(plain, wish))) continue;
    const leadsThere =
      (isDebian && below === 'usr') ||
      matches((wish) => isAtOrBelow(wish, below) || isAtOrBelow(wish, plain));
    if (leadsThere) keepWanted(child, below, wanted, isDebian);
    else node.children.delete(name);
  }
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
