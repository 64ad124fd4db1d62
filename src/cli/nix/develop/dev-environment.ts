/** Finding the build environment of what an operand of `nix develop` means. */

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '#base';
import { isDerivationPath, type StorePath } from '#formats';
import type { FlakeAttributes } from '#host';
import { createGeneration, switchLink } from '#store';
import { noEnvironment, notOneDerivation, usageError } from '../../errors.ts';
import type { CommandSession } from '../command.ts';
import { currentSystem } from '../flake-flags.ts';
import type { Flag } from '../flags.ts';
import {
  derivationsOf, installableFlags, knownPaths, outPathsOf, resolveInstallables, type Installable,
} from '../installables.ts';
import { parseEnvironment, type BuildEnvironment } from './build-environment.ts';
import { addEnvironmentDerivation } from './environment-derivation.ts';

export const environmentCommandFlags: readonly Flag[] = [
  { names: ['--redirect'], operands: ['INSTALLABLE', 'FOLDER'], description: 'let paths of the store lead to a folder that can be changed' },
  { names: ['--profile'], operands: ['PATH'], description: 'make the environment the newest generation of a profile' },
  ...installableFlags,
];

export interface FoundEnvironment {
  readonly environment: BuildEnvironment;
  /** The report that it was read from. */
  readonly path: StorePath;
}

/** The environment of the only operand; of `.` without one. */
export async function findEnvironment(session: CommandSession): Promise<FoundEnvironment> {
  const { flags, context, store, name } = session;
  if (flags.operands.length > 1) throw usageError(`'${flags.operands[1]}' is one operand too many`, name);
  const [operand] = await resolveInstallables(session, undefined, shellAttributes(currentSystem(flags, context)));
  const path = await reportOf(session, operand!);
  const profile = flags.last('--profile');
  if (profile !== undefined) {
    const place = resolve(context.cwd, profile);
    switchLink(place, createGeneration(store, place, path));
  }
  return { environment: parseEnvironment(readFileSync(store.physicalPath(path), 'latin1'), path), path };
}

/** What stands in place of paths, by `--redirect`; byte strings. */
export async function redirects(session: CommandSession): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [installable = '', folder = ''] of session.flags.all('--redirect')) {
    const paths = outPathsOf(knownPaths(session, await resolveInstallables(session, [installable])));
    for (const path of paths) found.set(path, encodeUtf8(resolve(session.context.cwd, folder)));
  }
  return found;
}

/** Where a flake's shells are, and then its packages. */
export function shellAttributes(system: string): FlakeAttributes {
  return {
    prefixes: [`devShells.${system}.`, `packages.${system}.`, `legacyPackages.${system}.`],
    defaults: [
      `devShells.${system}.default`, `devShell.${system}`, `packages.${system}.default`, `defaultPackage.${system}`,
    ],
  };
}

/** A path that is a report already, or what the build of one gives. */
async function reportOf(session: CommandSession, operand: Installable): Promise<StorePath> {
  const [only] = operand.derived;
  if (operand.derived.length === 1 && only?.kind === 'path' && only.path.endsWith('-env') && !isDerivationPath(only.path as StorePath)) {
    const path = only.path as StorePath;
    await session.workspace().realise([{ path }]);
    return path;
  }
  const derivations = [...new Set(derivationsOf(session, [operand]))];
  if (derivations.length !== 1) throw notOneDerivation(operand.text, derivations.length);
  const { store } = session;
  const drvPath = addEnvironmentDerivation(store, derivations[0] as StorePath);
  const realised = await session.workspace().realise([{ drvPath }]);
  const outputs = [...realised.get(drvPath)?.values() ?? []];
  const report = outputs.find((path) => statSync(store.physicalPath(path)).size > 0);
  if (report === undefined) throw noEnvironment(decodeUtf8(drvPath));
  return report;
}
