/** `nix build`: makes installables valid, and links to them. */

import { resolve } from 'node:path';
import { knownOutputPath, type StorePath } from '#formats';
import { defineCommand, jsonFlags, type CommandSession } from '../command.ts';
import { buildFlags } from '../evaluation-flags.ts';
import { usageError } from '../../errors.ts';
import {
  buildInstallables, installableFlags, missingText, outPathsOf, resolveInstallables, type BuiltPath, type Installable,
} from '../installables.ts';
import { addRoot } from '../roots.ts';

export const { run, usage } = defineCommand({
  name: 'nix build',
  operands: '[INSTALLABLES]',
  summary: 'Builds derivations or fetches store paths, and links to the results.',
  flags: [
    { names: ['--out-link', '-o'], operands: ['PATH'], description: 'where the link to the result goes (default: ./result)' },
    { names: ['--no-link'], description: 'make no link' },
    { names: ['--print-out-paths'], description: 'print the paths of the results' },
    { names: ['--rebuild'], description: 'build again what is valid already and compare' },
    { names: ['--profile'], operands: ['PATH'], description: 'make the result the newest generation of a profile' },
    { names: ['--stdin'], description: 'read operands from standard input, one a line' },
    ...jsonFlags, ...installableFlags, ...buildFlags,
  ],
  async run(session) {
    const { flags } = session;
    const progress = await session.openProgress();
    const installables = await resolveInstallables(session);
    if (flags.has('--dry-run')) {
      const text = await missingText(session, installables);
      progress.close();
      session.context.stderr.write(text);
      if (flags.has('--json')) session.printJson(installables.flatMap((one) => wantedJson(session, one)));
      return;
    }
    const built = await buildInstallables(session, installables);
    progress.close();
    if (flags.has('--json')) session.printJson(built.map(builtJson));
    if (!flags.has('--no-link')) linkResults(session, built);
    if (flags.has('--print-out-paths')) for (const path of outPathsOf(built)) session.print(path);
    const profile = flags.last('--profile');
    if (profile !== undefined) await updateProfile(session, resolve(session.context.cwd, profile), built);
  },
});

/** `result`, `result-dev`, and for the second installable `result-1`, `result-1-dev`, … */
function linkResults(session: CommandSession, built: readonly BuiltPath[]): void {
  const base = resolve(session.context.cwd, session.flags.last('--out-link') ?? 'result');
  built.forEach((one, index) => {
    const link = index === 0 ? base : `${base}-${index}`;
    if (one.kind === 'path') {
      addRoot(session.store, link, one.path);
      return;
    }
    for (const [name, path] of one.outputs) addRoot(session.store, name === 'out' ? link : `${link}-${name}`, path);
  });
}

async function updateProfile(session: CommandSession, profile: string, built: readonly BuiltPath[]): Promise<void> {
  const paths = outPathsOf(built);
  if (paths.length !== 1) {
    throw usageError(
      `'--profile' requires that the arguments produce a single store path, but there are ${paths.length}`, session.name);
  }
  const { createGeneration, switchLink } = await import('#store');
  switchLink(profile, createGeneration(session.store, profile, paths[0] as StorePath));
}

function builtJson(built: BuiltPath): unknown {
  return built.kind === 'path' ? built.path : { drvPath: built.drvPath, outputs: Object.fromEntries(built.outputs) };
}

/** What `--dry-run --json` tells of an installable: paths that are not known yet are null. */
function wantedJson(session: CommandSession, { derived }: Installable): unknown[] {
  return derived.map((one) => {
    if (one.kind === 'path') return one.path;
    const drvPath = one.drvPath as StorePath;
    const registered = session.store.queryDerivationOutputs(drvPath);
    const outputs = [...session.store.readDerivation(drvPath).outputs]
      .filter(([name]) => one.outputs === 'all' || one.outputs.includes(name))
      .map(([name, output]) => [name, knownOutputPath(output) ?? registered.get(name) ?? null] as const);
    return { drvPath, outputs: Object.fromEntries(outputs) };
  });
}
