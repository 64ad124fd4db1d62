/** Hashes of source trees kept between runs, one small file each: see `source-paths.ts`. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HashCache } from './source-paths.ts';

export function openHashCache(directory: string): HashCache {
  const place = (key: string) => join(directory, key);
  return {
    load(key) {
      try {
        const bytes = readFileSync(place(key));
        return bytes.length === 32 ? new Uint8Array(bytes) : undefined;
      } catch {
        return undefined;
      }
    },
    store(key, hash) {
      try {
        mkdirSync(directory, { recursive: true });
        const temporary = `${place(key)}.${process.pid}`;
        writeFileSync(temporary, hash);
        renameSync(temporary, place(key));
      } catch {
        // A cache that cannot be written is done without.
      }
    },
  };
}
