/** The workspace that a nix-* command's flags, settings and environment mean. */

import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeUtf8, type Progress } from '#base';
import { cacheDirectory, readSettings } from '#host';
import { Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { chosenStore, settingOverrides } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';

export function openWorkspace(flags: ParsedFlags, context: CommandContext, progress: Progress): Workspace {
  const overrides = settingOverrides(flags);
  const settings = readSettings({ environment: context.env, overrides });
  const processors = availableParallelism();
  const lock = flags.last('--lock');
  return new Workspace({
    environment: context.env,
    workingDirectory: encodeUtf8(context.cwd),
    store: chosenStore(flags, context),
    cacheDirectory: cacheDirectory(context.env),
    lockPath: lock === undefined ? join(context.cwd, 'firn.lock') : resolve(context.cwd, lock),
    mirror: flags.last('--mirror'),
    settingOverrides: overrides,
    includes: flags.all('-I').map(([entry = '']) => entry),
    jobs: jobCount(flags.last('--max-jobs') ?? settings.text('max-jobs'), processors),
    cores: countOf(flags.last('--cores') ?? settings.text('cores'), processors),
    keepGoing: flags.has('--keep-going') || settings.flag('keep-going', false),
    color: context.color,
    progress,
    signal: context.signal,
  });
}

function jobCount(text: string | undefined, processors: number): number {
  return text === 'auto' || text === undefined ? processors : Math.max(1, countOf(text, 1));
}

/** A natural number; 0 and what is none mean `otherwise`. */
function countOf(text: string | undefined, otherwise: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}
