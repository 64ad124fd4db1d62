/** system: what a user asks about a system: evaluate it, realise it, build an image of it. */
export * from './workspace.ts';
export * from './image.ts';
export * from './build-engine.ts';
export * from './store-service.ts';
export * from './errors.ts';
