/** build: goals and their scheduler, the `Builder` interface, the builtin builders, the sandbox. */
export { buildSettings } from './build-settings.ts';
export * from './builder.ts';
export * from './builtin-builder.ts';
export { buildResolved } from './build-resolved.ts';
export * from './builtin-runner.ts';
export { parseMachines, type Machine } from './remote/machines.ts';
export { RemoteBuilder, type RemoteBuilderOptions } from './remote/remote-builder.ts';
export * from './errors.ts';
export { parseExactJson, printExactJson } from './exact-json.ts';
export { nameOfWanted } from './failure-report.ts';
export { EnvironmentTree, type LinkedPackage } from './io/environment-tree.ts';
export { readSourceArchive, unpackArchive, writeUnpacked } from './io/source-archive.ts';
export * from './realise.ts';
export { repairClosure, repairPath } from './repair.ts';
export * from './sandbox/sandbox-builder.ts';
export * from './sandbox/settings.ts';
export * from './shell-environment.ts';
export * from './worker-pool.ts';
