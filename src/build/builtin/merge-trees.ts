/**
 * `builtin:merge-trees`: one tree of real files out of several, laid out as Debian's root is.
 *
 * Attributes: `trees`, `exclude` (patterns over paths, `*` within a name, `**` over several),
 * `prefer` (trees in falling priority, which win where contents differ). Two trees may have the
 * same file if it is the same; different ones are an error that names both. What a tree has in a
 * top-level `bin`, `lib`, … goes below `usr`; the result has the links `bin` → `usr/bin` and so on.
 */
import { threadedBuilder, type ThreadJob } from '../threaded-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { compilePathPatterns } from '../io/path-pattern.ts';
import {
  addNode,
  newPlan,
  planOfTree,
  writePlan,
  type ClashRule,
  type PlannedDirectory,
  type PlannedNode,
} from '../io/tree-plan.ts';
import { isUsrLink, movedNames, usrNames, usrTarget } from '../io/usr-layout.ts';

export const mergeTreesBuilder = threadedBuilder('builtin:merge-trees', import.meta.url, {
  steps: (job) => new Attributes(job.structuredAttrs, 'builtin:merge-trees').strings('trees').length,
});

export function buildInThread(job: ThreadJob): undefined {
  const attributes = new Attributes(job.structuredAttrs, 'builtin:merge-trees');
  const excluded = compilePathPatterns(attributes.strings('exclude'));
  const plan = newPlan();
  const rule = preference(attributes.strings('prefer'));
  for (const tree of attributes.strings('trees')) {
    addLaidOut(plan, planOfTree(job.physicalPath(tree), tree), excluded, rule);
    job.advance(1);
  }
  addUsrLinks(plan);
  writePlan(job.outputs.get('out') as string, plan);
}

/** Adds a tree in Debian's layout, without the paths that `excluded` matches. */
export function addLaidOut(
  plan: PlannedDirectory,
  tree: PlannedNode,
  excluded: (path: string) => boolean,
  rule: ClashRule,
): void {
  if (tree.type !== 'directory') return;
  for (const [name, node] of tree.children) {
    if (node.type === 'link' && isUsrLink(name, node.target)) continue;
    const path = movedNames.has(name) ? ['usr', name] : [name];
    const kept = prune(node, path.join('/'), excluded);
    if (kept) addNode(plan, path, kept, rule);
  }
}

/** Adds the links by which `bin` stands for `usr/bin`, and so on, where nothing else stands. */
export function addUsrLinks(plan: PlannedDirectory): void {
  const usr = plan.children.get('usr');
  if (usr?.type !== 'directory') return;
  for (const name of [...usrNames, 'lib64']) {
    if (usr.children.get(name)?.type !== 'directory' || plan.children.has(name)) continue;
    plan.children.set(name, { type: 'link', target: usrTarget(name), origin: 'the merged tree' });
  }
}

function prune(
  node: PlannedNode,
  path: string,
  excluded: (path: string) => boolean,
): PlannedNode | undefined {
  if (excluded(path)) return undefined;
  if (node.type !== 'directory') return node;
  const kept = newPlan();
  for (const [name, child] of node.children) {
    const below = prune(child, `${path}/${name}`, excluded);
    if (below) kept.children.set(name, below);
  }
  return kept;
}

/** The rule by which the tree that comes first in `prefer` wins. */
export function preference(prefer: readonly string[]): ClashRule {
  const rank = (node: PlannedNode): number => {
    const place = node.type === 'directory' ? -1 : prefer.indexOf(node.origin);
    return place < 0 ? prefer.length : place;
  };
  return (_path, present, added) => {
    const difference = rank(present) - rank(added);
    if (difference === 0) return undefined;
    return difference < 0 ? present : added;
  };
}
