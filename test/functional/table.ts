/** The table of docs/functional-tests.md: which functional tests pass, and why others are left out. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/firn.ts';

export interface TableRow {
  readonly test: string;
  /** `passes`, or `left out`. */
  readonly state: string;
  readonly reason: string;
}

export function readTable(): TableRow[] {
  const text = readFileSync(join(root, 'docs/functional-tests.md'), 'utf8');
  return [...text.matchAll(/^\| `([^`]+\.sh)` \| (passes|left out) \| (.*?) ?\|$/gm)]
    .map(([, test = '', state = '', reason = '']) => ({ test, state, reason }));
}
