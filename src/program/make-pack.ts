/**
 * Makes the pack (`use-pack.cjs`) of the modules that commands with an evaluation load.
 *
 * It stands for its modules as they were while it was made: their states are taken before they are
 * read and must be the same afterwards, and of a kind that no later change leaves as it is. It
 * comes into being by one renaming, that of `states.json`.
 */

import {
  accessSync, constants, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Script } from 'node:vm';
import { cannotLink } from './errors.ts';
import { link } from './link.ts';
import { readModule, type ModuleText } from './module-text.ts';
import { packUse } from './pack-in-use.ts';

/** What is in the pack, with all that these depend on. */
const wanted: readonly string[] = [
  'cli/main.ts', 'cli/report-error.ts', 'cli/nix/nix-instantiate.ts', 'cli/nix/nix-build.ts',
  'cli/nix/nix.ts', 'cli/nix/nix-eval.ts', 'cli/nix/nix-store.ts', 'cli/firn/build.ts',
  'host/results/recall.ts', 'host/evaluation-host.ts', 'host/programs/segment-file.ts', 'host/store-place.ts',
  'store/index.ts',
  'host/worker/evaluation-thread.ts', 'flat/index.ts', 'host/tasks/instantiate.ts', 'host/tasks/print-value.ts',
  'host/tasks/eval-value.ts',
  // Started as files of their own, but what they say is kept with results.
  'store/hash-thread.ts', 'store/staging-thread.ts',
  // A pack made by another linker is another pack.
  'program/make-pack.ts',
];

/** What is not linked and yet part of how the pack works. */
const beside: readonly string[] = ['program/use-pack.cjs', 'program/start.cjs', 'resolve-modules.cjs'];

/**
 * Makes the pack anew, a few modules at a time. `isSettled` says whether a file's state, taken now,
 * tells all later changes; if one's does not, or the place cannot be written, nothing is made and
 * the answer is false.
 */
export async function makePack(isSettled: (path: string) => boolean): Promise<boolean> {
  try {
    mkdirSync(packUse.folder, { recursive: true });
    accessSync(packUse.folder, constants.W_OK);
  } catch {
    return false;
  }
  const files = new Map<string, string>();
  const modules = await readModules(files, isSettled);
  if (modules === undefined) return false;
  const text = link(modules);
  // What is no program must not be kept as one.
  new Script(text);
  for (const [name, state] of files) if (packUse.stateOf(join(packUse.sources, name)) !== state) return false;
  const pack = `pack-${createHash('sha256').update(text).digest('hex').slice(0, 32)}.cjs`;
  writeWhole(join(packUse.folder, pack), text);
  writeWhole(packUse.statesFile, JSON.stringify({ node: packUse.nodeInUse(), pack, files: [...files] }));
  removeOthers(pack);
  return true;
}

/** Reads what is wanted and all that it depends on; notes the files' states. */
async function readModules(
  files: Map<string, string>, isSettled: (path: string) => boolean,
): Promise<Map<string, ModuleText> | undefined> {
  const modules = new Map<string, ModuleText>();
  const waiting = [...wanted];
  const note = (name: string): boolean => {
    const path = join(packUse.sources, name);
    const state = packUse.stateOf(path);
    if (state === undefined || !isSettled(path)) return false;
    files.set(name, state);
    return true;
  };
  if (!beside.every(note)) return undefined;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (modules.has(name)) continue;
    if (!note(name)) return undefined;
    const text = readFileSync(join(packUse.sources, name), 'utf8');
    const module = readModule(name, withoutTypes(name, text));
    modules.set(name, module);
    waiting.push(...module.dependencies);
    // Others are served meanwhile.
    await setImmediate();
  }
  return modules;
}

/** Node blanks types by spaces as wide as what stood there; ours are to be of one byte. */
function withoutTypes(name: string, source: string): string {
  if (wideSpace.test(source)) throw cannotLink(name, 'a space is none of ASCII');
  return stripTypeScriptTypes(source).replaceAll(new RegExp(wideSpace, 'g'), ' ');
}

const wideSpace = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/;

/** A file is there wholly and on the disk, or not at all. */
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { flush: true });
  renameSync(temporary, path);
}

/** Packs that nothing names any more, with their compiled code: who has one loaded has read it. */
function removeOthers(pack: string): void {
  for (const name of readdirSync(packUse.folder)) {
    if (name.startsWith('pack-') && !name.startsWith(pack)) rmSync(join(packUse.folder, name), { force: true });
  }
}
