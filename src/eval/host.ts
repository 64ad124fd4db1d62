/**
 * The evaluator's only door to the world.
 *
 * `Host` itself is declared where builtins can see it and is public from here.
 */

export type {
  AddPathOptions,
  DerivationRequest,
  FetchAttribute,
  FetchResult,
  FileIdentity,
  FileStatus,
  FileType,
  FixedOutput,
  Host,
  IdentifiedText,
  InstantiatedDerivation,
} from '#runtime';
