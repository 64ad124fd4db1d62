/** `nix derivation show` and `add`: derivations as JSON. */

import { readFileSync } from 'node:fs';
import {
  baseNameOf, checkOwnOutputs, derivationFromJson, derivationJsonVersion, derivationPath, derivationToJson,
  fillOutputPaths, isDerivationPath, moduloFinder, printDerivation, type Derivation,
} from '#formats';
import { featureRequired } from '../../errors.ts';
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
    for (const feature of featuresOf(given)) if (!session.settings.hasFeature(feature)) throw featureRequired(feature);
    const find = moduloFinder((path) => store.readDerivation(path));
    checkOwnOutputs(given, find, store.storeDirectory);
    const derivation = fillOutputPaths(given, find, store.storeDirectory);
    session.print(flags.has('--dry-run')
      ? derivationPath(derivation, printDerivation(derivation), store.storeDirectory) : store.addDerivation(derivation));
  },
});

/** The experimental features that a derivation is made with. */
function featuresOf({ outputs, dynamicInputs }: Derivation): Set<string> {
  const features = new Set<string>();
  for (const output of outputs.values()) {
    if (output.kind === 'floating') features.add('ca-derivations');
    if (output.kind === 'impure') features.add('impure-derivations');
    if ('method' in output && output.method === 'text') features.add('dynamic-derivations');
    if ('method' in output && output.method === 'git') features.add('git-hashing');
  }
  if (dynamicInputs !== undefined) features.add('dynamic-derivations');
  return features;
}

/** By the subcommand's name. */
export const derivationCommands = { show, add };
