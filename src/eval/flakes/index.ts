/** Flakes: read, locked, called. */
export { readFlake, type Flake } from './flake-file.ts';
export { Flakes, type LockedFlake, type LockWriter, type WriteOptions } from './get-flake.ts';
export type { LockOptions } from './lock-flake.ts';
export { printJson, printLockFile } from './lock-file.ts';
export {
  findInput, isFollows, parseInputPath, printInputPath, type Edge, type InputPath, type LockNode,
} from './lock-graph.ts';
