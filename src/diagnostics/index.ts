/** diagnostics: positions, errors of the user's Nix code, and their rendering to text. */
export * from './position.ts';
export * from './nix-error.ts';
export * from './render.ts';
export * from './render-brief.ts';
export * from './source-trees.ts';
