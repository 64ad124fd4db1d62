/** `nix derivation show` and `add`: derivations as JSON. */

import { readFileSync } from 'node:fs';
import {
  baseNameOf, derivationFromJson, derivationJsonVersion, derivationPath, derivationToJson,
  fillOutputPaths, isDerivationPath, knownOutputPath, moduloFinder, printDerivation, type Derivation,
} from '#formats';
import type { Store } from '#store';
import { incorrectOutput } from '../../errors.ts';
import { defineCommand, jsonFlags } from '../command.ts';
import { derivationsOf, installableFlags, resolveInstallables } from '../installables.ts';

const show = defineCommand({
  name: 'nix derivation show', operands: 'INSTALLABLES', summary: 'Prints derivations as JSON.',
  flags: [
    { names: ['--recursive', '-r'], description: 'with all derivations that they need' },
    { names: ['--stdin'], description: 'read operands from standard input, one a line' },
    ...jsonFlags, ...installableFlags,
  ],
  async run(session) {
    const { store, flags } = session;
    const direct = derivationsOf(session, await resolveInstallables(session));
    const paths = flags.has('--recursive') ? store.closureOf(direct) : direct;
    session.printJson({
      version: derivationJsonVersion,
      derivations: Object.fromEntries(paths.filter(isDerivationPath)
        .map((path) => [baseNameOf(path), derivationToJson(store.readDerivation(path))])),
    });
  },
});

const add = defineCommand({
  name: 'nix derivation add', summary: 'Reads a derivation as JSON from standard input and writes it to the store.',
  flags: [{ names: ['--dry-run'], description: 'print the path and write nothing' }],
  async run(session) {
    const { store, flags } = session;
    const given = derivationFromJson(readFileSync(0, 'utf8'), store.storeDirectory);
    const derivation = withOutputPaths(given, store);
    session.print(flags.has('--dry-run')
      ? derivationPath(derivation, printDerivation(derivation), store.storeDirectory) : store.addDerivation(derivation));
  },
});

/** Fills open output paths in where they follow from the derivation, and checks those given. */
function withOutputPaths(given: Derivation, store: Store): Derivation {
  const filled = fillOutputPaths(given, moduloFinder((path) => store.readDerivation(path)), store.storeDirectory);
  for (const [name, output] of given.outputs) {
    const [path, right] = [output, filled.outputs.get(name) ?? output].map(knownOutputPath);
    if (path !== undefined && right !== undefined && path !== right) throw incorrectOutput(given.name, path, right);
  }
  return filled;
}

/** By the subcommand's name. */
export const derivationCommands = { show, add };
