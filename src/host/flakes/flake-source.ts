/**
 * A flake, and an attribute of it, as a source of expressions: what `.#x` means.
 *
 * Plain data, made where flags are read and understood where flakes are evaluated.
 */

export interface FlakeSource {
  readonly kind: 'flake';
  /** `REFERENCE#ATTRIBUTE` as it was typed; a byte string. */
  readonly reference: string;
  readonly lock: FlakeLockFlags;
  readonly attributes: FlakeAttributes;
  /** A function, as a Nix expression, that the selected value is given to. */
  readonly apply?: string;
}

/** Where attributes are looked for in a flake's outputs; byte strings. */
export interface FlakeAttributes {
  /** Tried before the attribute path as it is. */
  readonly prefixes: readonly string[];
  /** What is meant where no attribute is named. */
  readonly defaults: readonly string[];
  /** Whether all that are there are meant, not the first of them. */
  readonly all?: boolean;
}

/** What flags say about the lock file; all texts are byte strings. */
export interface FlakeLockFlags {
  readonly recreate?: boolean;
  readonly mayUpdate?: boolean;
  readonly mayWrite?: boolean;
  readonly useRegistries?: boolean;
  readonly failOnUnlocked?: boolean;
  readonly commit?: boolean;
  /** Paths of inputs such as `a/b`. */
  readonly updates?: readonly string[];
  readonly overrides?: readonly { readonly path: string; readonly reference: string }[];
  readonly referenceFile?: string;
  readonly outputFile?: string;
}

/** Where packages are, for `nix build` and its like. */
export function packageAttributes(system: string): FlakeAttributes {
  return {
    prefixes: [`packages.${system}.`, `legacyPackages.${system}.`],
    defaults: [`packages.${system}.default`, `defaultPackage.${system}`],
  };
}
