/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
export { CaseHackVisitor } from './case-hack.ts';
export {
  CopyingWriter, TreeRestorer, bytePath, canonicaliseTree, deleteTree, listNames, visitTree, narPieces, writeAll, readLinkBytes, systemPath,
} from './file-tree.ts';
export { addressOutputs, rewriteTree, type ScratchOutput } from './content-addressing.ts';
export { makeDirectory } from './make-directory.ts';
export { BackgroundHash } from './background-hash.ts';
export { hashTreeNow, measureNar, scanTree } from './tree-hash.ts';
export { knownOutputs } from './derivation-file.ts';
export * from './local-store.ts';
export { LayeredStore } from './layered-store.ts';
export { MemoryStore } from './memory-store.ts';
export { completeLocation, type GivenLocation, type StoreLocation } from './store-location.ts';
export { addIndirectRoot, findRoots, placeOfLink, replaceLink, storePathOfLink } from './roots.ts';
export {
  createGeneration, deleteGenerations, findGenerations, profileTarget, switchGeneration, switchLink, timeOfAge,
  withProfileLock, type Generation, type GenerationChoice, type Generations, type ProfileChange,
} from './profiles.ts';
export {
  collectForSpace, collectGarbage, deletePaths, type Collected, type CollectOptions, type SpaceOptions,
} from './collect-garbage.ts';
export { livePaths, runtimeRoots, type LivenessOptions } from './live-paths.ts';
export { exportPaths, importPaths } from './export-paths.ts';
export { optimiseStore, type Optimised, type OptimiseOptions } from './optimise-store.ts';
export { isIntact, verifyStore, type Verification, type VerifyOptions } from './verify-store.ts';
export type { PreparedText, PreparedTree } from './staging.ts';
export { StagingAhead } from './staging-ahead.ts';
export { CacheSubstituter, type CacheSubstituterOptions } from './binary-cache/cache-substituter.ts';
export { CacheServer, type CacheServerOptions } from './binary-cache/cache-server.ts';
export { CachePeer, copyToCache, writeBinaryCache, type CachePeerOptions } from './binary-cache/cache-peer.ts';
export { readSecretKeys, type CacheWriterOptions } from './binary-cache/cache-writer.ts';
export { findInListing, type ListedTree } from './binary-cache/nar-listing.ts';
export { isNamedByContent } from './binary-cache/trust.ts';
export { parseCacheUrl, type CacheUrl } from './binary-cache/cache-url.ts';
export { readNetrc } from './binary-cache/netrc.ts';
export { LookupMemory } from './binary-cache/lookup-memory.ts';
export { decompressNar } from './binary-cache/compression.ts';
export { Trust } from './binary-cache/trust.ts';
export type { TransportSettings } from './binary-cache/transport.ts';
export { lockFile, tryLockFileSoon, type FileLock } from './file-lock.ts';
export { streamChannel, type ByteChannel } from './remote/channel.ts';
export { copyPaths, describe, type CopyOptions } from './remote/copy-paths.ts';
export { DaemonPeer, type MissingPaths } from './remote/daemon-peer.ts';
export { fileOf, treeOf } from './remote/peer-files.ts';
export { cannotListenOn, lacksTrustedSignature, operationUnsupported } from './remote/errors.ts';
export { signRealisation } from './binary-cache/cache-realisation.ts';
export {
  openBuildPeer, openDaemonPeer, openPeer, openRelay, type PeerOptions, type PeerRequest,
} from './remote/open-peer.ts';
export { PeerStore, type PeerStoreOptions } from './remote/peer-store.ts';
export {
  LocalPeer, type AblePeer, type BuildPeer, type OfferedPath, type RemoteBuildOptions, type StorePeer,
} from './remote/peer.ts';
export {
  failureCode, plainResult, succeeded, type Buildable, type BuildResult, type BuildStatus,
} from './remote/protocol-values.ts';
export { withSocketName } from './socket-name.ts';
export { RestrictedStore } from './remote/restricted-store.ts';
export { serveStore } from './remote/serve-server.ts';
export type { SshEnvironment } from './remote/ssh.ts';
export { parseStoreReference } from './remote/store-reference.ts';
export type { ServiceRequest, StoreService } from './remote/store-service.ts';
export { serveDaemon } from './remote/worker-server.ts';
export type { WorkerOptions } from './remote/worker-operations.ts';
export { Bzip2Reader } from './binary-cache/bzip2.ts';
