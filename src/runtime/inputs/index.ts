/** Inputs of flakes and fetchers, and references to them. */
export * from './attributes.ts';
export * from './fetch.ts';
export type { Forge } from './forge-scheme.ts';
export * from './git-names.ts';
export * from './input.ts';
export * from './reference.ts';
export type { InputSettings } from './scheme.ts';
export {
  BadUrl, fileToUrlPath, fixGitUrl, parseUrl, percentEncode, printUrl, splitScheme, urlPathToFile, type Url,
} from './url.ts';
