/** base: bytes, hashing, nix32, errors, progress; no word of the domain. */
export * from './bytes.ts';
export * from './encodings.ts';
export * from './errors.ts';
export * from './hash.ts';
export * from './hash-errors.ts';
export * from './progress.ts';
export * from './reachable.ts';
