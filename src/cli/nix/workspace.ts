/** The workspace that a nix-* command's flags, settings and environment mean. */

import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeUtf8, type Progress } from '#base';
import { cacheDirectory, readSettings } from '#host';
import { LocalStore, parseStoreReference as parsePeerReference } from '#store';
import { BuildEngine, Workspace, type Elsewhere } from '#system';
import type { CommandContext } from '../context.ts';
import { openDebugger } from '../repl/open-debugger.ts';
import { trustedSettings } from './flake-config.ts';
import { overriddenFlakes } from './flake-names.ts';
import { evaluationStores, type NamedStores } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { Peers } from './peers.ts';
import { settingOverrides } from './settings.ts';

/**
 * A workspace whose builds happen where `--store` and the environment say: here, in a daemon, or in
 * another store.
 */
export function openWorkspace(flags: ParsedFlags, context: CommandContext, progress: Progress): Workspace {
  const stores = evaluationStores(flags, context);
  const overrides = settingOverrides(flags);
  const settings = readSettings({ environment: context.env, overrides });
  const processors = availableParallelism();
  const lock = flags.last('--lock');
  return new Workspace({
    environment: context.env,
    workingDirectory: encodeUtf8(context.cwd),
    store: stores.store,
    elsewhere: elsewhereOf(stores, flags, context, progress),
    program: [process.execPath, ...process.execArgv, process.argv[1] as string],
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
    debugger: openDebugger(flags, context),
    progress,
    signal: context.signal,
  });
}

/** Where builds happen, if not in the store that evaluations write to. */
function elsewhereOf(
  { builder, target }: NamedStores, flags: ParsedFlags, context: CommandContext, progress: Progress,
): Elsewhere | undefined {
  if (target !== undefined) return { store: new LocalStore(target) };
  if (builder === undefined) return undefined;
  const peers = new Peers(flags, context, progress);
  const store = peers.openStore(builder);
  if (parsePeerReference(builder).kind === 'cache') return { store };
  return {
    store,
    engine: new BuildEngine({
      peer: peers.openBuilder(builder), root: store.root, progress, signal: context.signal, mode: modeOf(flags),
    }),
  };
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
