/**
 * `builtin:write-tree`: a tree of given entries.
 *
 * Attributes: `entries`, each with `path`, `type` (file, directory or link) and, as the type wants,
 * `text`, `source` (a store path, a file or a whole tree), `target`, `mode` (of which the store
 * keeps whether it is executable). Folders above an entry need not be named.
 */
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
      return withMode(planOfTree(job.inputs.physicalPath(entry.string('source')), origin), mode);
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
