/**
 * `builtin:write-tree`: a tree of given entries.
 *
 * Attributes: `entries`, each with `path`, `type` (file, directory or link) and, as the type wants,
 * `text`, `source` (a store path, a file or a whole tree), `target`, `mode` (of which the store
 * keeps whether it is executable), `followLinks` (relative links that leave `source` become what
 * they lead to within its store path). Folders above an entry need not be named.
 */
import { lstatSync } from 'node:fs';
import { posix } from 'node:path';
import type { BuiltinBuilder, BuiltinJob } from '../builtin-builder.ts';
import { badTreePath } from '../errors.ts';
import { Attributes } from '../io/attributes.ts';
import {
  addNode,
  newPlan,
  planOfTree,
  splitTreePath,
  writePlan,
  type PlannedNode,
} from '../io/tree-plan.ts';

export const writeTreeBuilder: BuiltinBuilder = {
  name: 'builtin:write-tree',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:write-tree');
    const plan = newPlan();
    for (const entry of attributes.list('entries')) {
      const path = entry.string('path');
      addNode(plan, splitTreePath(path), nodeOf(entry, job), () => {
        throw badTreePath(path, 'is given twice, with different content');
      });
    }
    writePlan(job.outputs.get('out') as string, plan);
  },
};

function nodeOf(entry: Attributes, job: BuiltinJob): PlannedNode {
  const path = entry.string('path');
  const origin = `the entry ${path}`;
  switch (entry.string('type')) {
    case 'directory':
      return newPlan();
    case 'link':
      return { type: 'link', target: entry.string('target'), origin };
    case 'file': {
      const mode = entry.mode('mode');
      if (!entry.has('source')) {
        const executable = ((mode ?? 0) & 0o111) !== 0;
        return { type: 'text', text: entry.string('text'), executable, origin };
      }
      const source = entry.string('source');
      const place = job.inputs.physicalPath(source);
      if (lstatSync(place, { throwIfNoEntry: false }) === undefined) {
        throw entry.error('needs a source that exists', source);
      }
      const node = planOfTree(place, origin);
      if (!entry.boolean('followLinks', false)) return withMode(node, mode);
      return withMode(followed(node, source, source, job, origin), mode);
    }
    default:
      throw entry.error('needs file, directory or link as type', entry.string('type'));
  }
}

// A file whose executable bit is to change cannot be a hard link of its source.
function withMode(node: PlannedNode, mode: number | undefined): PlannedNode {
  if (node.type !== 'file' || mode === undefined) return node;
  const executable = (mode & 0o111) !== 0;
  return node.executable === executable ? node : { ...node, executable, changed: true };
}

// `path` is where `node` stands, both it and `top` as logical paths below the store.
function followed(
  node: PlannedNode,
  path: string,
  top: string,
  job: BuiltinJob,
  origin: string,
  depth = 0,
): PlannedNode {
  if (node.type === 'directory') {
    for (const [name, child] of node.children) {
      node.children.set(name, followed(child, `${path}/${name}`, top, job, origin, depth));
    }
    return node;
  }
  if (node.type !== 'link' || node.target.startsWith('/')) return node;
  const target = posix.join(posix.dirname(path), node.target);
  const isWithin = (folder: string): boolean => target.startsWith(`${folder}/`);
  if (isWithin(top)) return node;
  if (depth === maximumLinks || !isWithin(path.split('/').slice(0, 4).join('/'))) {
    throw badTreePath(path, `leads to ${node.target}, which is outside its store path`);
  }
  const reached = planOfTree(job.inputs.physicalPath(target), origin);
  return followed(reached, target, target, job, origin, depth + 1);
}

// As many links in a row as Linux follows.
const maximumLinks = 40;
