/** How much memory an evaluation may take. */

import { totalmem } from 'node:os';
import type { Environment } from '../settings.ts';

/** Megabytes for values: three quarters of the machine's memory, or what FIRN_HEAP_MB says. */
export function heapLimit(environment: Environment): number {
  const chosen = Number(environment['FIRN_HEAP_MB']);
  return chosen > 0 ? chosen : Math.max(2048, Math.floor((totalmem() / 1048576) * 0.75));
}
