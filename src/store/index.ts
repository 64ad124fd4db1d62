/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
export { deleteTree, canonicaliseTree, listNames, systemPath, bytePath, readLinkBytes } from './file-tree.ts';
export * from './local-store.ts';
