/** runtime: values, thunks, attribute sets, operators and builtins: what emitted code runs on. */
export * from './attrs.ts';
export * from './call.ts';
export * from './coerce.ts';
export * from './context.ts';
export * from './counters.ts';
export * from './errors.ts';
export * from './float-text.ts';
export * from './host.ts';
export * from './path-text.ts';
export * from './services.ts';
export * from './shape.ts';
export * from './thunk.ts';
export * from './tracing.ts';
export * from './values.ts';
