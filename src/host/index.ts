/**
 * host: implements the evaluator's door to the world, and runs the evaluator behind it.
 *
 * What only the evaluator's thread needs is not exported: whoever starts a thread loads little.
 */
export * from './fetch.ts';
export * from './settings.ts';
export * from './store-location.ts';
export { cacheOptions, substituterOf } from './substituters.ts';
export { EvaluationError } from './worker/failure.ts';
export * from './worker/run-evaluation.ts';
export type { EvaluationSession, EvaluationTask } from './worker/session.ts';
export { evalTask, findFileTask, instantiateTask, parseTask, printTask } from './tasks/tasks.ts';
export type { AutoArgument, ExpressionSource, FoundDerivation, InstantiateInput } from './tasks/instantiate.ts';
export type { EvalInput } from './tasks/eval-value.ts';
export type { PrintInput } from './tasks/print-value.ts';
export * from './repl/requests.ts';
export { ReplThread, type ReplStart } from './repl/repl-thread.ts';
