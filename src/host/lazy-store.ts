/**
 * The store's modules, loaded by the first who needs them at once and cannot wait for a promise:
 * they are a third of all, and the plain commands do without.
 */

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export function loadStore(): typeof import('#store') {
  return require('#store') as typeof import('#store');
}
