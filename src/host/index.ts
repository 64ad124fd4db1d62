/** host: implements the evaluator's door to the world, and runs the evaluator behind it. */
export * from './code-cache.ts';
export * from './evaluation-host.ts';
export * from './hash-cache.ts';
export * from './settings.ts';
export * from './store-location.ts';
export { EvaluationError } from './worker/failure.ts';
export * from './worker/run-evaluation.ts';
export type { EvaluationSession, EvaluationTask } from './worker/session.ts';
export { findFileTask, instantiateTask, parseTask, printTask } from './tasks/tasks.ts';
export type { AutoArgument, ExpressionSource, FoundDerivation, InstantiateInput } from './tasks/instantiate.ts';
export type { PrintInput } from './tasks/print-value.ts';
