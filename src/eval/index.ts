/** eval: joins lang and runtime; the evaluator and its door to the world. */
export * from './host.ts';
