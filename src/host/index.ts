/**
 * host: implements the evaluator's door to the world, and runs the evaluator behind it.
 *
 * What only the evaluator's thread needs is not exported: whoever starts a thread loads little.
 */
export * from './fetch.ts';
export * from './profile-places.ts';
export { hostSystem } from './host-system.ts';
export * from './setting-table.ts';
export { usualValue } from './setting-values.ts';
export * from './settings.ts';
export * from './store-location.ts';
export * from './flakes/flake-source.ts';
export { certificatesFile } from './certificates.ts';
export { cacheOptions, lookupMemory, substituterOf, transportSettings } from './substituters.ts';
export { storeNotLocal } from './errors.ts';
export { EvaluationError } from './worker/failure.ts';
export * from './worker/run-evaluation.ts';
export type { EvaluationSession, EvaluationTask } from './worker/session.ts';
export {
  changeEnvironmentTask, evalTask, findFileTask, installableTask, instantiateTask, parseTask, printTask, queryPackagesTask,
  prefetchSourceTask, profileTask, shellTask,
} from './tasks/tasks.ts';
export { appTask, completeTask, flakeSourceTask, flakeTask, searchTask, valueTask } from './tasks/tasks.ts';
export type { SearchInput, SearchResult } from './tasks/search.ts';
export type { ValueAnswer, ValueQuestion } from './tasks/value-questions.ts';
export type { CompletionQuestion } from './tasks/complete.ts';
export type { AppInput, FoundApp } from './tasks/app.ts';
export type { FlakeTaskInput, FlakeTaskResult } from './tasks/flake.ts';
export type { RegistryEntry } from './flakes/registry-file.ts';
export type { ArchivedFlake } from './flakes/archive.ts';
export type { FlakeSourceInput, FlakeSourceResult } from './tasks/flake-source.ts';
export type { FlakeMetadata, FlakeReport } from './flakes/metadata.ts';
export type { AutoArgument, ExpressionSource, FoundDerivation, InstantiateInput } from './tasks/instantiate.ts';
export type {
  ChangeInput, ChangeQuestion, ChangeResult, EnvironmentChange, PackagePaths,
} from './tasks/user-env/messages.ts';
export type { PackageSource } from './tasks/user-env/package-source.ts';
export type { PackageQuery, ShownColumns, StatusAnswer, StatusQuestion } from './tasks/user-env/query.ts';
export type { DerivedPath, InstallableInput } from './tasks/installable.ts';
export type { EvalInput } from './tasks/eval-value.ts';
export type { PrintInput } from './tasks/print-value.ts';
export type { ProfileQuestion, ResolvedElement, WantedElement } from './tasks/profile.ts';
export type { PrefetchQuestion, PrefetchSource } from './tasks/prefetch-source.ts';
export type { ShellInput, ShellTarget } from './tasks/shell.ts';
export * from './repl/requests.ts';
export type { DebuggerDisplay } from './worker/protocol.ts';
export { unpackFailure } from './worker/failure.ts';
export { ReplThread, type ReplStart } from './repl/repl-thread.ts';
