/** formats: bytes and values of the files that Nix, Debian and the kernel exchange. Pure. */
export * from './cpio.ts';
export * from './control.ts';
export * from './debian-relation.ts';
export * from './debian-version.ts';
export * from './content-address.ts';
export * from './derivation.ts';
export * from './derivation-modulo.ts';
export * from './derivation-parser.ts';
export * from './nar-info.ts';
export * from './nar-reader.ts';
export * from './nar-writer.ts';
export * from './store-path.ts';
export * from './lz4.ts';
export * from './ar.ts';
export * from './deb.ts';
export * from './tar.ts';
export * from './unpack-plan.ts';
