/** base: bytes, hashing, nix32, errors, progress; no word of the domain. */
export * from './errors.ts';
export * from './progress.ts';
