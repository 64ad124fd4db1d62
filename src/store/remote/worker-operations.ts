/** Numbers and limits of the worker protocol, by which a daemon is spoken to. */

import { featureDeleteReferrers, featureRealisationWithPath } from './protocol-values.ts';

export const workerMagic = { client: 0x6e697863, server: 0x6478696f } as const;

/** 1.38, the newest; older peers get what they know. */
export const newestWorkerMinor = 38;
/** 1.25 came with Nix 2.4: before it, contents had to be sent in ways that nobody uses any more. */
export const oldestWorkerMinor = 25;
/** Never version 2: all that is new since 1.38 comes as features. */
export const workerMajor = 1;

export const workerFeatures: readonly string[] = [featureRealisationWithPath, featureDeleteReferrers];

export const operations = {
  isValidPath: 1,
  queryReferrers: 6,
  addToStore: 7,
  addTextToStore: 8,
  buildPaths: 9,
  ensurePath: 10,
  addTempRoot: 11,
  addIndirectRoot: 12,
  syncWithGc: 13,
  findRoots: 14,
  queryDeriver: 18,
  setOptions: 19,
  collectGarbage: 20,
  querySubstitutablePathInfo: 21,
  queryDerivationOutputs: 22,
  queryAllValidPaths: 23,
  queryPathInfo: 26,
  queryDerivationOutputNames: 28,
  queryPathFromHashPart: 29,
  querySubstitutablePathInfos: 30,
  queryValidPaths: 31,
  querySubstitutablePaths: 32,
  queryValidDerivers: 33,
  optimiseStore: 34,
  verifyStore: 35,
  buildDerivation: 36,
  addSignatures: 37,
  narFromPath: 38,
  addToStoreNar: 39,
  queryMissing: 40,
  queryDerivationOutputMap: 41,
  registerDrvOutput: 42,
  queryRealisation: 43,
  addMultipleToStore: 44,
  addBuildLog: 45,
  buildPathsWithResults: 46,
  addPermRoot: 47,
} as const;

export const buildModes = ['normal', 'repair', 'check'] as const;

export const garbageActions = ['live', 'dead', 'delete-dead', 'delete-specific'] as const;

export type GarbageAction = typeof garbageActions[number];

/** What a client asks a daemon to work by. */
export interface WorkerOptions {
  readonly keepFailed?: boolean;
  readonly keepGoing?: boolean;
  readonly fallback?: boolean;
  /** 0 errors … 3 information … 7 everything. */
  readonly verbosity?: number;
  readonly maxJobs?: number;
  readonly maxSilentSeconds?: number;
  readonly cores?: number;
  readonly substitutes?: boolean;
  /** Further settings of nix.conf by name. */
  readonly settings?: ReadonlyMap<string, string>;
}
