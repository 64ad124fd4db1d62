/**
 * `nix store make-content-addressed`: copies of paths, and of all that they need, whose names follow
 * from their contents. The copies refer to each other, and need no signature to be trusted.
 */

import { NarReader, nameOf, type StorePath } from '#formats';
import { addressOutputs, bytePath, deleteTree, narPieces, TreeRestorer, type ScratchOutput } from '#store';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { installableFlags, storePaths } from '../installables.ts';

export const { run, usage } = defineCommand({
  name: 'nix store make-content-addressed',
  operands: 'INSTALLABLES',
  summary: 'Copies store paths with all they need to paths that follow from their contents.',
  flags: [...jsonFlags, ...installableFlags],
  async run(session) {
    const wanted = await storePaths(session, false);
    const rewritten = await addressClosure(session, session.store.closureOf(wanted));
    if (session.flags.has('--json')) {
      session.printJson({ rewrites: Object.fromEntries(wanted.map((path) => [path, rewritten.get(path)])) });
      return;
    }
    for (const path of wanted) session.context.stderr.write(`rewrote '${path}' to '${rewritten.get(path)}'\n`);
  },
});

async function addressClosure({ store }: CommandSession, paths: readonly StorePath[]): Promise<Map<StorePath, StorePath>> {
  const copies = paths.map((path): ScratchOutput => ({
    name: path, pathName: nameOf(path), scratch: path, physical: store.prepareOutput(path),
    method: 'recursive', algorithm: 'sha256', withoutReferences: false,
  }));
  try {
    for (const { scratch, physical } of copies) copyTree(bytePath(store.physicalPath(scratch)), bytePath(physical));
    const [first] = copies;
    const finished = first === undefined ? new Map()
      : await addressOutputs(copies, { drvPath: first.scratch, candidates: [], storeDirectory: store.storeDirectory });
    await store.commitOutputs([...finished.values()], { candidates: [] });
    return new Map([...finished].map(([path, output]) => [path as StorePath, output.path]));
  } finally {
    for (const { physical } of copies) deleteTree(bytePath(physical));
  }
}

/** Through a NAR, so that nothing but what it holds is copied. */
function copyTree(from: string, to: string): void {
  const reader = new NarReader(new TreeRestorer(to));
  for (const piece of narPieces(from)) reader.write(piece);
  reader.end();
}
