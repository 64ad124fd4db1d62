/**
 * What the task that changes a user environment is told, asks on the way, and gives.
 *
 * The task evaluates; whoever started it builds, and says what is in the store and in the caches.
 */

import type { PackageSource } from './package-source.ts';
import type { UserEnvironment } from './environment.ts';

export interface ChangeInput {
  readonly change: EnvironmentChange;
  readonly source: PackageSource;
  /** Names, attribute paths, functions or store paths; byte strings. */
  readonly operands: readonly string[];
  readonly profile: string;
  /** Takes only packages that need not be built. */
  readonly prebuiltOnly: boolean;
  /** Instead of the package's own name. */
  readonly forceName: string | undefined;
  /** Lists derivations in the manifest, so that the profile keeps them. */
  readonly keepDerivations: boolean;
}

export type EnvironmentChange =
  | { readonly kind: 'install'; readonly priority: number | undefined; readonly removeAll: boolean;
      readonly preserveInstalled: boolean }
  | { readonly kind: 'upgrade'; readonly when: 'lt' | 'leq' | 'eq' | 'always' }
  | { readonly kind: 'uninstall' }
  | { readonly kind: 'setFlag'; readonly name: string; readonly value: string }
  | { readonly kind: 'set' };

/** What the task asks for. */
export type ChangeQuestion =
  /** Which of the paths are valid or can be fetched; the answer is a list of those. */
  | { readonly kind: 'prebuilt'; readonly paths: readonly string[] }
  /**
   * Tell the messages and what would be built, then make all of it valid. The answer is false if
   * nothing is to be done after all: a dry run.
   */
  | { readonly kind: 'realise'; readonly messages: readonly string[];
      /** Told as what is missing. */
      readonly announced: readonly PackagePaths[];
      readonly needed: readonly PackagePaths[] };

/** A derivation, all outputs of which are meant, or a store path. */
export type PackagePaths = { readonly drvPath: string } | { readonly path: string };

/** The environment to switch to; undefined in a dry run. A plain package for `set`. */
export type ChangeResult = UserEnvironment | { readonly outPath: string } | undefined;
