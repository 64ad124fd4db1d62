/** `nix flake check`: whether a flake evaluates and its checks can be built. */

import { resolve } from 'node:path';
import { encodeUtf8, UserError } from '#base';
import { splitStorePath, type StorePath } from '#formats';
import { checksHadErrors } from '../../errors.ts';
import { defineCommand, type CommandSession } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { currentSystem } from '../flake-flags.ts';
import { toBeBuilt } from '../missing.ts';
import { addRoot } from '../roots.ts';
import { flakeCommandFlags, flakeOperand, runFlakeTask } from './flake.ts';

/** A derivation to be built, and the attributes that say so. */
interface Check {
  readonly drvPath: StorePath;
  readonly attributePaths: readonly string[];
}

export const { run, usage } = defineCommand({
  name: 'nix flake check',
  operands: '[FLAKE]',
  summary: 'Checks whether a flake evaluates, and builds its checks.',
  flags: [
    { names: ['--no-build'], description: 'do not build checks' },
    { names: ['--all-systems'], description: 'check the outputs for all systems' },
    { names: ['--out-link', '-o'], operands: ['PATH'], description: 'make links to the results of checks' },
    { names: ['--print-out-paths'], description: 'print the paths of the results' },
    ...flakeCommandFlags, ...buildFlags.filter(({ names }) => !['--check', '--dry-run'].includes(names[0])),
  ],
  async run(session) {
    const { flags, context } = session;
    const build = !flags.has('--no-build');
    const keepGoing = flags.has('--keep-going') || session.settings.flag('keep-going', false);
    const options = { system: encodeUtf8(currentSystem(flags, context)), allSystems: flags.has('--all-systems'), keepGoing };
    const { checked } = await runFlakeTask(session, flakeOperand(session), { kind: 'check', build, options }, {}, {
      settings: build ? [] : [['allow-import-from-derivation', 'false']],
    });
    const progress = await session.openProgress();
    const checks = new Map<StorePath, Check>();
    for (const { attributePath, drvPath } of checked!.checks) {
      const known = splitStorePath(drvPath, session.store.storeDirectory)!.storePath;
      checks.set(known, { drvPath: known, attributePaths: [...checks.get(known)?.attributePaths ?? [], attributePath] });
    }
    const outputs = build && checks.size > 0 ? await buildChecks(session, [...checks.values()]) : [];
    if (checked!.hasErrors) throw checksHadErrors();
    progress.message('info', 'all checks passed!');
    if (checked!.omittedSystems.length > 0) {
      progress.message('warning',
        `The check omitted these incompatible systems: ${checked!.omittedSystems.join(', ')}\nUse '--all-systems' to check all.`);
    }
    progress.close();
    if (flags.has('--print-out-paths')) for (const { path } of outputs) session.print(path);
    linkOutputs(session, outputs);
  },
});

interface BuiltOutput {
  readonly index: number;
  readonly name: string;
  readonly path: StorePath;
}

/** Builds the checks; unless their outputs are wanted, what a cache has built is good as it is. */
async function buildChecks(session: CommandSession, checks: readonly Check[]): Promise<BuiltOutput[]> {
  const { flags, store } = session;
  const workspace = session.workspace();
  const isWanted = flags.has('--print-out-paths') || flags.has('--out-link');
  const missing = isWanted ? undefined : new Set(await toBeBuilt(store, checks.map(({ drvPath }) =>
    ({ drvPath, outputs: [...store.readDerivation(drvPath).outputs.keys()] })), { substituters: workspace.substituters }));
  const built = checks.filter(({ drvPath }) => missing === undefined || missing.has(drvPath));
  const progress = await session.openProgress();
  progress.message('info', `running ${built.length} flake ${built.length === 1 ? 'check' : 'checks'}...`);
  if (built.length === 0) return [];
  try {
    const realised = await workspace.realise(built.map(({ drvPath }) => ({ drvPath })));
    return built.flatMap(({ drvPath }, index) =>
      [...realised.get(drvPath) ?? []].map(([name, path]) => ({ index, name, path })));
  } catch (error) {
    if (error instanceof UserError) {
      for (const { drvPath, attributePaths } of built.filter((one) => error.message.includes(one.drvPath))) {
        for (const path of attributePaths) progress.message('error', `failed to build attribute '${path}', build of '${drvPath}^*' failed`);
      }
    }
    throw error;
  }
}

/** `PATH`, `PATH-dev`, and for the second check `PATH-1`, `PATH-1-dev`, … */
function linkOutputs({ flags, context, store }: CommandSession, outputs: readonly BuiltOutput[]): void {
  const link = flags.last('--out-link');
  if (link === undefined) return;
  for (const { index, name, path } of outputs) {
    const numbered = resolve(context.cwd, link) + (index === 0 ? '' : `-${index}`);
    addRoot(store, name === 'out' ? numbered : `${numbered}-${name}`, path);
  }
}
