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
  const results = wanted.flatMap((one): StorePath[] => {
    if (!('drvPath' in one)) return [one.path];
    const outputs = realised.get(one.drvPath) as ReadonlyMap<string, StorePath>;
    return (one.outputs ?? [...outputs.keys()].sort()).map((name) => outputs.get(name) as StorePath);
  });
  const root = flags.last('--add-root');
  results.forEach((path, index) => {
    if (root === undefined) command.print(path);
    else command.print(addRoot(store, resolve(context.cwd, index === 0 ? root : `${root}-${index + 1}`), path));
  });
  if (root === undefined && results.length > 0) {
    context.stderr.write(
      "warning: you did not specify '--add-root'; the result might be removed by the garbage collector\n");
  }
  return 0;
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
