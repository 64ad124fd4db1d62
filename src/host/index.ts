/** host: implements the evaluator's door to the world, and runs the evaluator behind it. */
export * from './evaluation-host.ts';
