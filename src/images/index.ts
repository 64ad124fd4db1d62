/** images: plan the layout of an image, write it in one pass, read it back. Pure. */
export * from './byte-sink.ts';
export * from './bytes.ts';
export * from './tree.ts';
export * from './kernel-modules/closure.ts';
export * from './kernel-modules/depmod.ts';
export * from './kernel-modules/elf-module.ts';
export * from './kernel-modules/index-trie.ts';
export * from './archive.ts';
export * from './squashfs/compression.ts';
export * from './squashfs/plan.ts';
export * from './squashfs/write.ts';
export * from './errors.ts';
export * from './fat/plan.ts';
export * from './fat/read.ts';
export * from './fat/write.ts';
