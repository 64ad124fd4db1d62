/** `nix bundle`: what a bundler makes of a program, so that it works without a store. */

import { resolve } from 'node:path';
import type { StorePath } from '#formats';
import { valueTask, type ValueAnswer } from '#host';
import { usageError } from '../../errors.ts';
import { appAttributes } from '../app.ts';
import { defineCommand } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem, flakeSource } from '../flake-flags.ts';
import { installableFlags } from '../installables.ts';
import { addRoot } from '../roots.ts';
import { purityOf, valueSource } from '../value-source.ts';

const usualBundler = 'github:NixOS/bundlers';

export const { run, usage } = defineCommand({
  name: 'nix bundle',
  operands: '[INSTALLABLE]',
  summary: 'Bundles a program so that it works outside of the store.',
  attributes: appAttributes,
  flags: [
    { names: ['--bundler', '-B'], operands: ['FLAKE'], description: `the bundler to use (default: ${usualBundler})` },
    { names: ['--out-link', '-o'], operands: ['PATH'], description: "where the link to the bundle goes (default: the bundle's name)" },
    ...installableFlags, ...buildFlags.filter(({ names }) => !['--check', '--dry-run'].includes(names[0])),
  ],
  async run(session) {
    const { flags, context, store, name } = session;
    const [operand = '.', another] = flags.operands;
    if (another !== undefined) throw usageError(`'${another}' is one operand too many`, name);
    const progress = await session.openProgress();
    const system = currentSystem(flags, context);
    const question = valueSource(session, operand, appAttributes(system));
    const bundler = flakeSource(flags.last('--bundler') ?? usualBundler, flags, context, {
      prefixes: [`bundlers.${system}.`], defaults: [`bundlers.${system}.default`, `defaultBundler.${system}`],
    });
    const action = { kind: 'bundle', bundler: { ...bundler, lock: { mayWrite: false } } };
    const { bundle } = await session.workspace().evaluate<ValueAnswer>(
      valueTask, { ...question, action }, { settingOverrides: purityOf(session, question) });
    await session.workspace().realise([{ drvPath: bundle!.drvPath as StorePath }]);
    progress.close();
    addRoot(store, resolve(context.cwd, flags.last('--out-link') ?? bundle!.name), bundle!.outPath as StorePath);
  },
});
