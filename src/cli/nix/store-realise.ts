/** `nix-store --realise`: making outputs of derivations, and paths, valid. */

import { resolve } from 'node:path';
import type { Realised, Wanted } from '#build';
import { isDerivationPath, type StorePath } from '#formats';
import { withBuildStatus } from './build-status.ts';
import { describeMissing, missingText, tellMissing } from './missing.ts';
import { addRoot } from './roots.ts';
import { followToStorePath, type StoreCommand } from './store-command.ts';
import { openWorkspace } from './workspace.ts';

export async function realisePaths(command: StoreCommand): Promise<number> {
  const { flags, store, context } = command;
  const wanted = wantedOf(command);
  if (flags.has('--dry-run')) {
    await describeAll(command, wanted);
    return 0;
  }
  const realised = await realiseAll(command, wanted);
  const root = flags.last('--add-root');
  wanted.forEach((one, index) => {
    const outputs: ReadonlyMap<string, StorePath> = 'path' in one ? new Map([['out', one.path]])
      : realised.get(one.drvPath) as ReadonlyMap<string, StorePath>;
    const names = 'path' in one ? ['out'] : one.outputs ?? outputs.keys();
    const lines = new Set<string>();
    for (const name of names) {
      const path = outputs.get(name) as StorePath;
      lines.add(root === undefined ? path : addRoot(store, linkFor(resolve(context.cwd, root), index + 1, name), path));
    }
    for (const line of [...lines].sort()) command.print(line);
  });
  if (root === undefined && wanted.length > 0) {
    context.stderr.write(
      "warning: you did not specify '--add-root'; the result might be removed by the garbage collector\n");
  }
  return 0;
}

/** `ROOT`, `ROOT-dev`, `ROOT-2`, `ROOT-2-dev`, …: the operand's number, and outputs other than `out`. */
function linkFor(root: string, number: number, output: string): string {
  return root + (number === 1 ? '' : `-${number}`) + (output === 'out' ? '' : `-${output}`);
}

async function describeAll(command: StoreCommand, wanted: readonly Wanted[]): Promise<void> {
  const { flags, context, store } = command;
  const progress = await command.openProgress();
  const workspace = openWorkspace(flags, context, progress);
  try {
    if (workspace.engine !== undefined) {
      context.stderr.write(missingText(await workspace.engine.queryMissing(workspace.store, wanted)));
      return;
    }
    const derivations = wanted.flatMap((one) => ('drvPath' in one
      ? [{ drvPath: one.drvPath, outputs: one.outputs ?? [...store.readDerivation(one.drvPath).outputs.keys()] }] : []));
    const paths = wanted.flatMap((one) => ('path' in one ? [one.path] : []));
    const text = await describeMissing(store, derivations, { substituters: workspace.substituters, paths });
    progress.close();
    context.stderr.write(text);
  } finally {
    progress.close();
    await workspace.close();
  }
}

/** For --query --force-realise. */
export async function makeOperandsValid(command: StoreCommand): Promise<void> {
  await realiseAll(command, wantedOf(command));
}

async function realiseAll(command: StoreCommand, wanted: readonly Wanted[]): Promise<Realised> {
  const progress = await command.openProgress();
  const workspace = openWorkspace(command.flags, command.context, progress);
  try {
    await tellMissing(workspace, wanted, progress);
    return await withBuildStatus(() => workspace.realise(wanted));
  } finally {
    progress.close();
    await workspace.close();
  }
}

/** `/nix/store/….drv!output` names one output. */
function wantedOf(command: StoreCommand): Wanted[] {
  return command.flags.operands.map((operand): Wanted => {
    const [path = '', outputs] = operand.split('!');
    const found = followToStorePath(command, path);
    if (!isDerivationPath(found)) return { path: found };
    return outputs === undefined ? { drvPath: found } : { drvPath: found, outputs: outputs.split(',') };
  });
}
