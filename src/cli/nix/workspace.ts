/** The workspace that a nix-* command's flags, settings and environment mean. */

import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeUtf8, type Progress } from '#base';
import { cacheDirectory, readSettings, type ChosenStore } from '#host';
import { parseStoreReference as parsePeerReference } from '#store';
import { BuildEngine, Workspace } from '#system';
import type { CommandContext } from '../context.ts';
import { trustedSettings } from './flake-config.ts';
import { overriddenFlakes } from './flake-names.ts';
import { chosenStore, evaluationStores, settingOverrides } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { Peers } from './peers.ts';

/** A workspace whose builds happen where `--store` and the environment say: here, or in a daemon. */
export function openBuildWorkspace(flags: ParsedFlags, context: CommandContext, progress: Progress): Workspace {
  const { store, builder } = evaluationStores(flags, context);
  if (builder === undefined) return openWorkspace(flags, context, progress);
  const reference = parsePeerReference(builder);
  const root = reference.kind === 'daemon' ? reference.parameters.get('root') ?? '/' : undefined;
  const engine = new BuildEngine({
    peer: new Peers(flags, context, progress).openBuilder(builder), root, progress, signal: context.signal,
    mode: modeOf(flags),
  });
  return openWorkspace(flags, context, progress, { store, engine });
}

export function openWorkspace(
  flags: ParsedFlags, context: CommandContext, progress: Progress,
  elsewhere?: { readonly store: ChosenStore; readonly engine: BuildEngine },
): Workspace {
  const overrides = settingOverrides(flags);
  const settings = readSettings({ environment: context.env, overrides });
  const processors = availableParallelism();
  const lock = flags.last('--lock');
  return new Workspace({
    environment: context.env,
    workingDirectory: encodeUtf8(context.cwd),
    store: elsewhere?.store ?? chosenStore(flags, context),
    engine: elsewhere?.engine,
    cacheDirectory: cacheDirectory(context.env),
    lockPath: lock === undefined ? join(context.cwd, 'firn.lock') : resolve(context.cwd, lock),
    mirror: flags.last('--mirror'),
    settingOverrides: overrides,
    registryOverrides: overriddenFlakes(flags, context),
    inputsFrom: flags.all('--inputs-from').map(([flake = '']) => flake),
    trustSettings: (config, present) => trustedSettings(config, present, context, progress),
    includes: flags.all('-I').map(([entry = '']) => entry),
    jobs: jobCount(flags.last('--max-jobs') ?? settings.text('max-jobs'), processors),
    cores: countOf(flags.last('--cores') ?? settings.text('cores'), processors),
    mode: modeOf(flags),
    keepGoing: flags.has('--keep-going') || settings.flag('keep-going', false),
    color: context.color,
    progress,
    signal: context.signal,
  });
}

function modeOf(flags: ParsedFlags): 'normal' | 'check' | 'repair' {
  return flags.has('--check') ? 'check' : flags.has('--repair') ? 'repair' : 'normal';
}

/** Zero leaves everything to other machines. */
function jobCount(text: string | undefined, processors: number): number {
  if (text === '0') return 0;
  return text === 'auto' || text === undefined ? processors : countOf(text, 1);
}

/** A natural number; 0 and what is none mean `otherwise`. */
function countOf(text: string | undefined, otherwise: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}
