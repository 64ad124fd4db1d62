/** What `nix-store --serve` and `nix-daemon` serve: the store that flags and environment name. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8 } from '#base';
import { cacheDirectory } from '#host';
import { nixVersion } from '#runtime';
import { LocalStore } from '#store';
import { WorkspaceService } from '#system';
import type { CommandContext } from '../context.ts';
import { chosenStore } from './evaluation.ts';
import type { ParsedFlags } from './flags.ts';
import { settingOverrides } from './settings.ts';

/** Opens the store too; whoever calls closes it. */
export function openService(flags: ParsedFlags, context: CommandContext): WorkspaceService {
  const chosen = chosenStore(flags, context);
  const processors = availableParallelism();
  return new WorkspaceService(new LocalStore(chosen), {
    environment: context.env,
    workingDirectory: encodeUtf8(context.cwd),
    store: chosen,
    cacheDirectory: cacheDirectory(context.env),
    lockPath: join(context.cwd, 'firn.lock'),
    settingOverrides: settingOverrides(flags),
    jobs: processors,
    cores: processors,
    signal: context.signal,
  }, nixVersion);
}
