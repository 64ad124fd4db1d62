/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
export {
  CopyingWriter, TreeRestorer, bytePath, canonicaliseTree, deleteTree, listNames, visitTree, narPieces, readLinkBytes, systemPath,
} from './file-tree.ts';
export { hashTreeNow, measureNar } from './tree-hash.ts';
export * from './local-store.ts';
export type { GivenLocation, StoreLocation } from './store-location.ts';
export { addIndirectRoot, findRoots, replaceLink, storePathOfLink } from './roots.ts';
export {
  createGeneration, deleteGenerations, findGenerations, profileTarget, switchGeneration, switchLink, timeOfAge,
  withProfileLock, type Generation, type GenerationChoice, type Generations, type ProfileChange,
} from './profiles.ts';
export {
  collectGarbage, deletePaths, livePaths, runtimeRoots, type Collected, type CollectOptions,
} from './collect-garbage.ts';
export { exportPaths, importPaths } from './export-paths.ts';
export { verifyStore, type Verification, type VerifyOptions } from './verify-store.ts';
export type { PreparedText, PreparedTree } from './staging.ts';
export { CacheSubstituter, type CacheSubstituterOptions } from './binary-cache/cache-substituter.ts';
export { CacheServer, type CacheServerOptions } from './binary-cache/cache-server.ts';
export { readSecretKeys, writeBinaryCache, type CacheWriterOptions } from './binary-cache/cache-writer.ts';
export { parseCacheUrl, type CacheUrl } from './binary-cache/cache-url.ts';
export { LookupMemory } from './binary-cache/lookup-memory.ts';
export { Bzip2Reader } from './binary-cache/bzip2.ts';
