/**
 * Expressions with very many operands: read and evaluated in time proportional to their length. In
 * a process of its own, since they nest as deeply as they are long.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith } from '../../support/firn.ts';

/** So many that a cost for each pair of operands would take minutes. */
const count = 50_000;
const row = (operator: string, term: string): string => Array(count).fill(term).join(operator);

const programs: readonly (readonly [program: string, expected: unknown])[] = [
  [row('+', '1'), count],
  [row('-', '1'), 2 - count],
  [`let a.b = 1; in ${row('+', 'a.b')}`, count],
  [row('&&', 'true'), true],
  [row('//', '{ }'), {}],
  [`builtins.length (${row('++', '[1]')})`, count],
  [`builtins.stringLength (${row(' + ', '"x"')})`, count],
  [`let f = _: f; in builtins.isFunction (f ${row(' ', '1')})`, true],
  [`{ } ? ${row('.', 'a')}`, false],
];

for (const flat of ['only', 'off']) test(`rows of many operands, FIRN_FLAT=${flat}`, () => {
  const folder = folderWith({ 'rows.nix': `[\n${programs.map(([program]) => `(${program})`).join('\n')}\n]` });
  const outcome = firn(['nix-instantiate', '--eval', '--strict', '--json', join(folder, 'rows.nix')], { env: { FIRN_FLAT: flat } });
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.deepEqual(JSON.parse(outcome.stdout), programs.map(([, expected]) => expected));
});
