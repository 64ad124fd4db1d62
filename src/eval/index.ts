/** eval: joins lang and runtime; the evaluator and its door to the world. */
export * from './compile.ts';
export * from './errors.ts';
export {
  createEvaluator,
  Evaluator,
  type BaseScope,
  type EvaluatorOptions,
  evaluatorVersion,
} from './evaluator.ts';
export * from './flakes/index.ts';
export * from './host.ts';
