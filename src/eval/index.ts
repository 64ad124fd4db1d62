/** eval: joins lang and runtime; the evaluator and its door to the world. */
export * from './errors.ts';
export {
  createEvaluator,
  Evaluator,
  type BaseScope,
  type EvaluatorOptions,
} from './evaluator.ts';
export * from './flakes/index.ts';
export * from './host.ts';
export { internalFile } from './internal-files.ts';
