/** store: the valid paths and their contents; memory and local implementations. */
export * from './store.ts';
export {
  CopyingWriter, TreeRestorer, bytePath, canonicaliseTree, deleteTree, listNames, listTree, readLinkBytes, systemPath,
} from './file-tree.ts';
export { hashTreeNow, measureNar } from './tree-hash.ts';
export * from './local-store.ts';
export { addIndirectRoot, findRoots } from './roots.ts';
