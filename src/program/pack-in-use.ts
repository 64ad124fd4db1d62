/** What a running program knows of the pack that it may have come from. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** `use-pack.cjs`, one for each thread. */
export interface PackUse {
  readonly folder: string;
  readonly statesFile: string;
  /** The folder of sources. */
  readonly sources: string;
  /** Names its content; undefined if this thread runs from modules. */
  packInUse(): string | undefined;
  /** Whether modules outside the pack were loaded in this thread too. */
  hasOthers(): boolean;
  /** Whether one was looked for in vain. */
  isPackWanted(): boolean;
  keepCode(): void;
  nameOf(url: string): string;
  nodeInUse(): string;
  stateOf(path: string): string | undefined;
}

const require = createRequire(import.meta.url);
const usePackFile = fileURLToPath(new URL('./use-pack.cjs', import.meta.url));

export const packUse = require('./use-pack.cjs') as PackUse;

/**
 * Plain JavaScript that runs a module in a new thread, from the pack if this thread came from it.
 * `role` names the kind of thread; at its end it calls `keepCode`.
 */
export function threadStartOf(module: URL, role: string): string {
  const { href } = module;
  const file = packUse.packInUse();
  if (file === undefined) return `import(${JSON.stringify(href)});`;
  const name = packUse.nameOf(href);
  return `const { usePack, exportsOf } = require(${JSON.stringify(usePackFile)});
usePack(${JSON.stringify(file)}, ${JSON.stringify(role)});
if (exportsOf(${JSON.stringify(name)}) === undefined) import(${JSON.stringify(href)});`;
}
