/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
export {
  CopyingWriter, TreeRestorer, bytePath, canonicaliseTree, deleteTree, listNames, visitTree, narPieces, readLinkBytes, systemPath,
} from './file-tree.ts';
export { hashTreeNow, measureNar } from './tree-hash.ts';
export * from './local-store.ts';
export { addIndirectRoot, findRoots } from './roots.ts';
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
