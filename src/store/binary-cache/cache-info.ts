/** `nix-cache-info`: what a binary cache says of itself. */

import { badCacheInfo } from './errors.ts';

export interface CacheInfo {
  readonly storeDirectory: string;
  /** Whether it may be asked for whatever is missing. */
  readonly wantMassQuery: boolean;
  /** Lower ones are asked first. */
  readonly priority: number;
}

/** Nix's own default. */
export const defaultCachePriority = 50;

export function parseCacheInfo(text: string, url: string): CacheInfo {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const storeDirectory = fields.get('StoreDir') ?? '/nix/store';
  if (!storeDirectory.startsWith('/')) throw badCacheInfo(url, `'${storeDirectory}' is not a folder`);
  const priority = fields.get('Priority') ?? String(defaultCachePriority);
  if (!/^[0-9]{1,9}$/.test(priority)) throw badCacheInfo(url, "'Priority' is not a number");
  return { storeDirectory, wantMassQuery: fields.get('WantMassQuery') === '1', priority: Number(priority) };
}

export function formatCacheInfo(info: Partial<CacheInfo> & Pick<CacheInfo, 'storeDirectory'>): string {
  return `StoreDir: ${info.storeDirectory}\n`
    + (info.wantMassQuery === undefined ? '' : `WantMassQuery: ${info.wantMassQuery ? 1 : 0}\n`)
    + (info.priority === undefined ? '' : `Priority: ${info.priority}\n`);
}
