/** `nix-env --install`, `--upgrade`, `--uninstall`, `--set-flag` and `--set`: a new generation of a profile. */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { encodeUtf8 } from '#base';
import type { Wanted } from '#build';
import type { StorePath } from '#formats';
import {
  changeEnvironmentTask, runEvaluation, type ChangeInput, type ChangeQuestion, type ChangeResult,
  type EnvironmentChange, type PackagePaths,
} from '#host';
import { createGeneration, profileTarget, switchLink, withProfileLock } from '#store';
import type { Workspace } from '#system';
import { usageError } from '../errors.ts';
import { openCommandProgress } from './progress.ts';
import type { ClosableProgress } from '../progress/output.ts';
import { operandPaths, packageSource, type EnvironmentCommand } from './env-command.ts';
import { evaluationRequest } from './evaluation.ts';
import { describeMissing } from './missing.ts';
import { inform } from './profile-command.ts';
import { debianEntry } from './services.ts';
import { settingsOf } from './settings.ts';
import { openWorkspace } from './workspace.ts';

export async function changeEnvironment(command: EnvironmentCommand, change: EnvironmentChange): Promise<number> {
  const { flags, context } = command;
  const progress = await openCommandProgress(flags, context);
  const workspace = openWorkspace(flags, context, progress);
  try {
    const input = inputOf(command, change, workspace);
    while (!(await changeOnce(command, input, workspace, progress)));
    return 0;
  } finally {
    progress.close();
    await workspace.close();
  }
}

/** False if somebody else changed the profile meanwhile: then it is to be done again. */
async function changeOnce(
  command: EnvironmentCommand, input: ChangeInput, workspace: Workspace, progress: ClosableProgress,
): Promise<boolean> {
  const { flags, context, profile } = command;
  const before = profileTarget(profile);
  const made = await runEvaluation<ChangeResult>({
    ...evaluationRequest(flags, context, progress),
    lastEntries: [debianEntry],
    services: {
      ...workspace.services,
      converse: (question) => answer(command, question as ChangeQuestion, workspace),
    },
    task: changeEnvironmentTask,
    input,
  });
  if (made === undefined) return true;
  if ('drvPath' in made) await workspace.realise([{ drvPath: made.drvPath as StorePath, outputs: ['out'] }]);
  mkdirSync(dirname(profile), { recursive: true });
  return withProfileLock(profile, context.signal, () => {
    if (profileTarget(profile) !== before) {
      progress.message('notice', `profile '${profile}' changed while we were busy; restarting`);
      return false;
    }
    switchLink(profile, createGeneration(workspace.target, profile, made.outPath as StorePath));
    return true;
  });
}

async function answer(command: EnvironmentCommand, question: ChangeQuestion, workspace: Workspace): Promise<unknown> {
  if (question.kind === 'prebuilt') {
    const { valid, substitutable } = await pathStatus(question.paths, workspace);
    return [...valid, ...substitutable];
  }
  const { flags, context } = command;
  for (const message of question.messages) inform(flags, context, message);
  const missing = await announcement(question.announced, workspace);
  if (missing !== '') inform(flags, context, missing);
  if (flags.has('--dry-run')) return false;
  await workspace.realiseHere(question.needed as Wanted[]);
  return true;
}

async function announcement(packages: readonly PackagePaths[], { goalStore: store, substituters }: Workspace): Promise<string> {
  const derivations = packages.flatMap((one) => ('drvPath' in one ? [one.drvPath as StorePath] : []));
  const paths = packages.flatMap((one) => ('path' in one ? [one.path as StorePath] : []));
  const wanted = derivations.map((drvPath) =>
    ({ drvPath, outputs: [...store.readDerivation(drvPath).outputs.keys()] }));
  return (await describeMissing(store, wanted, { substituters, paths })).trimEnd();
}

/** Which of the paths are valid, and which the caches have. */
export async function pathStatus(
  paths: readonly string[], { goalStore: store, substituters }: Workspace,
): Promise<{ valid: string[]; substitutable: string[] }> {
  const [substituter] = substituters;
  const distinct = [...new Set(paths)] as StorePath[];
  const available = await substituter?.available(distinct, store) ?? new Set<StorePath>();
  return {
    valid: distinct.filter((path) => store.isValidPath(path)),
    substitutable: distinct.filter((path) => available.has(path)),
  };
}

function inputOf(command: EnvironmentCommand, change: EnvironmentChange, workspace: Workspace): ChangeInput {
  const { flags, context, profile } = command;
  const operands = change.kind === 'setFlag' ? flags.operands.slice(2) : flags.operands;
  const source = packageSource(command, operands);
  const isPaths = change.kind === 'uninstall' || source.kind === 'storePaths';
  const forceName = flags.last('--force-name');
  return {
    change, source,
    operands: isPaths ? operandPaths(command, operands, workspace.target) : operands.map(encodeUtf8),
    profile: encodeUtf8(profile),
    prebuiltOnly: flags.has('--prebuilt-only'),
    forceName: forceName === undefined ? undefined : encodeUtf8(forceName),
    keepDerivations: settingsOf(flags, context).flag('keep-env-derivations', false),
  };
}

/** What the flags of --install say. */
export function installation({ flags }: EnvironmentCommand): EnvironmentChange {
  const priority = flags.last('--priority');
  if (priority !== undefined && !/^-?[0-9]+$/.test(priority)) {
    throw usageError("'--priority' requires an integer argument", 'nix-env');
  }
  return {
    kind: 'install',
    priority: priority === undefined ? undefined : Number(priority),
    removeAll: flags.has('--remove-all'),
    preserveInstalled: flags.has('--preserve-installed'),
  };
}

export function upgrade({ flags }: EnvironmentCommand): EnvironmentChange {
  const when = (['always', 'eq', 'leq', 'lt'] as const).find((name) => flags.has(`--${name}`)) ?? 'lt';
  return { kind: 'upgrade', when };
}

export function flagChange({ flags }: EnvironmentCommand): EnvironmentChange {
  const [name, value] = flags.operands;
  if (name === undefined || value === undefined) throw usageError("not enough arguments to '--set-flag'", 'nix-env');
  return { kind: 'setFlag', name: encodeUtf8(name), value: encodeUtf8(value) };
}
