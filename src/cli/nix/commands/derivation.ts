/** `nix derivation show` and `add`: derivations as JSON. */

import { readFileSync } from 'node:fs';
import {
  baseNameOf, derivationFromJson, derivationJsonVersion, derivationPath, derivationToJson,
  isDerivationPath, knownOutputPath, makeOutputPath, moduloFinder, outputHashModulo, printDerivation, type Derivation,
  type StorePath,
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
  const follows = [...given.outputs.values()].some(({ kind }) => kind === 'deferred' || kind === 'input-addressed');
  if (!follows) return given;
  const names = [...given.outputs.keys()];
  // What is hashed has no paths: neither in its outputs nor in the variables of their names.
  const open: Derivation = {
    ...given,
    outputs: new Map(names.map((name) => [name, { kind: 'deferred' }])),
    env: new Map([...given.env].map(([name, value]) => [name, names.includes(name) ? '' : value])),
  };
  const modulo = outputHashModulo(open, moduloFinder((path) => store.readDerivation(path)));
  if (modulo === undefined) return open;
  const paths = new Map(names.map((name) => [name, makeOutputPath(name, modulo, given.name, store.storeDirectory)]));
  for (const [name, output] of given.outputs) {
    const path = knownOutputPath(output);
    if (path !== undefined && path !== paths.get(name)) throw incorrectOutput(given.name, path, paths.get(name) as string);
  }
  return {
    ...given,
    outputs: new Map([...paths].map(([name, path]) => [name, { kind: 'input-addressed', path }])),
    env: new Map([...given.env].map(([name, value]) => [name, paths.get(name) ?? value])),
  };
}

/** By the subcommand's name. */
export const derivationCommands = { show, add };
