/** `nix search`: finds packages by their names and descriptions. */

import { searchTask, type SearchInput, type SearchResult } from '#host';
import { noSearchResults, usageError } from '../../errors.ts';
import { defineCommand, jsonFlags } from '../command.ts';
import { currentSystem } from '../flake-flags.ts';
import { installableFlags } from '../installables.ts';
import { purityOf, valueSource } from '../value-source.ts';

export const { run, usage } = defineCommand({
  name: 'nix search',
  operands: 'INSTALLABLE REGEXES',
  summary: 'Finds packages whose attribute path, name or description match all of the regular expressions.',
  flags: [
    { names: ['--exclude', '-e'], operands: ['REGEX'], description: 'leave out packages that match this' },
    ...jsonFlags, ...installableFlags,
  ],
  async run(session) {
    const { flags, context, name } = session;
    const [operand = '.', ...wanted] = flags.operands;
    if (wanted.length === 0) {
      throw usageError("Must provide at least one regex! To match all packages, use 'nix search <installable> ^'.", name);
    }
    const system = currentSystem(flags, context);
    const question = valueSource(session, operand, {
      prefixes: [`packages.${system}.`, `legacyPackages.${system}.`], defaults: [`packages.${system}`, `legacyPackages.${system}`], all: true,
    });
    const progress = await session.openProgress();
    const input: SearchInput = {
      ...question, wanted, excluded: flags.all('--exclude').map(([pattern = '']) => pattern),
      print: flags.has('--json') ? 'nothing' : (context.env['NO_COLOR'] ?? '') === '' ? 'colored' : 'plain',
    };
    const found = await session.workspace().evaluate<SearchResult>(searchTask, input, {
      settingOverrides: [['allow-import-from-derivation', 'false'], ...purityOf(session, question)],
      onOutput: (bytes) => { context.stdout.write(bytes); },
    });
    progress.close();
    if (flags.has('--json')) session.printJson(found);
    else if (Object.keys(found).length === 0) throw noSearchResults();
  },
});
