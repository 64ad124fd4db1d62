/** Errors of questions about systems. */

import { UserError } from '#base';

/** A string's context holds something that cannot be realised. */
export function unknownContextElement(element: string): UserError {
  return new UserError('UNKNOWN_CONTEXT', `Cannot realise '${element}': it is no store path`);
}

/** Something is wanted of a derivation that another makes, and that fails; `what` is `DRV^out`. */
export function derivationNotMade(what: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? `:\n${cause.message}` : '';
  return new UserError('BUILD_FAILED', `failed to obtain derivation of '${what}'${reason}`, { cause });
}

/** A configuration named on the command line is not there. */
export function noSuchConfiguration(path: string): UserError {
  return new UserError('NO_SUCH_CONFIGURATION', `There is no configuration file '${path}'`, {
    hint: 'name a file or a folder with a default.nix, relative to the current folder',
  });
}

/** `--config NAME` where the tree has no such installer module. */
export function noSuchProfile(name: string, known: readonly string[]): UserError {
  return new UserError('NO_SUCH_PROFILE', `There is no default configuration '${name}'`, {
    hint: `there are ${known.join(', ')}; or name a file`,
  });
}

/** The tree is not shaped like nixpkgs. */
export function notATree(path: string): UserError {
  return new UserError('NOT_A_TREE', `'${path}' is not a tree: it has no nixos/default.nix`, {
    hint: 'give --tree a nixpkgs checkout, or leave it out to use the tree that comes with firn',
  });
}

/** The image was built but holds no file of the kind that was wanted. */
export function noImageInOutput(path: string): UserError {
  return new UserError('NO_IMAGE', `'${path}' was built but holds no image`, {
    hint: 'the configuration may have changed what system.build.isoImage makes',
  });
}

/** `code` is that of the failure itself. */
export function builtElsewhereFailed(path: string, store: string, reason: string, code: string): UserError {
  return new UserError('BUILD_FAILED', `Cannot build ${path} in store '${store}': ${reason}`, {
    cause: new UserError(code, reason),
  });
}

export function outputNotKnown(drvPath: string, output: string, store: string): UserError {
  return new UserError('OUTPUT_PATH_UNKNOWN', `store '${store}' does not say where it put the output ${output} of ${drvPath}`, {
    hint: 'the Nix there may be too old for content-addressed derivations',
  });
}

export function notQueriedElsewhere(store: string): UserError {
  return new UserError('UNSUPPORTED_BY_STORE', `store '${store}' cannot say what it would build`, {
    hint: 'ssh-ng:// stores can, ssh:// stores cannot',
  });
}

/** A flake's attribute is neither a configuration nor a derivation. */
export function noImageInFlake(flake: string): UserError {
  return new UserError('NO_IMAGE_IN_FLAKE', `'${flake}' is neither a NixOS configuration nor a derivation`, {
    hint: 'name a configuration, for example .#nixosConfigurations.my-host',
  });
}
