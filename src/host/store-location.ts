/**
 * Where the store stands: the system's own at `/nix` if this user may write it, otherwise a root
 * of the user's, with the same layout below.
 */

import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from './settings.ts';

/** The folder that `nix/store` is below. `chosen` is the operand of `--store`. */
export function storeRoot(environment: Environment, chosen?: string): string {
  const named = chosen ?? (environment['FIRN_ROOT'] || undefined);
  if (named !== undefined && named !== 'auto' && named !== 'local') return resolve(named.replace(/^local\?root=|^file:\/\//, ''));
  if (mayWrite('/nix/store') && mayWrite('/nix/var/nix/db')) return '/';
  const home = environment['HOME'] || '/';
  return join(environment['XDG_DATA_HOME'] || join(home, '.local/share'), 'firn/root');
}

/** Firn's own folder for what can be made again. */
export function cacheDirectory(environment: Environment): string {
  const home = environment['HOME'] || '/';
  return join(environment['XDG_CACHE_HOME'] || join(home, '.cache'), 'firn');
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
