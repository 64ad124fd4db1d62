/** What builders have in common that write to the outputs' own places, not to a store of their own. */
import { lstatSync } from 'node:fs';
import type { StorePath } from '#formats';
import { bytePath, deleteTree } from '#store';
import type { BuildRequest } from '../builder.ts';
import { missingOutput } from '../errors.ts';
import { buildFolderPlace, type SandboxOptions } from './sandbox-builder.ts';
import { makeScratch, moveEntry, settleScratch, type Scratch } from './scratch.ts';

/** Gives `run` the folders of a build, and moves from the outputs' places what it has made there. */
export async function buildInPlace(
  request: BuildRequest, options: SandboxOptions, run: (scratch: Scratch) => Promise<void>,
): Promise<void> {
  const { derivation, drvPath, outputs, outputPaths, store } = request;
  const scratch = makeScratch(
    store.prepareOutput([...outputPaths.values()][0] as StorePath), buildFolderPlace(options, derivation));
  settleScratch(scratch, request, options.keepFailedIn !== undefined);
  const places = new Map([...outputPaths].map(([name, path]) => [name, store.physicalPath(path)]));
  // What a killed build left there; the goal holds the locks, and a valid path is not built.
  for (const place of places.values()) deleteTree(bytePath(place));
  try {
    await run(scratch);
    for (const [name, place] of places) {
      if (lstatSync(place, { throwIfNoEntry: false }) === undefined) throw missingOutput(drvPath, outputPaths.get(name) as string);
      moveEntry(place, outputs.get(name) as string);
    }
  } finally {
    for (const place of places.values()) deleteTree(bytePath(place));
  }
}
