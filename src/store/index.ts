/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
