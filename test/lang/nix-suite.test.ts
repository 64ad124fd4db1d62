/**
 * C++ Nix's own parser tests, read from its source tree in FIRN_TEST_NIX_SOURCE.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { renderNixError } from '#diagnostics';
import { checkNames, parseText } from './parse-text.ts';

const source = process.env['FIRN_TEST_NIX_SOURCE'];
const skip = source === undefined ? 'FIRN_TEST_NIX_SOURCE does not name a Nix source tree' : false;
const folder = join(source ?? '.', 'tests/functional/lang');

function cases(prefix: string): string[] {
  if (source === undefined) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.nix'))
    .map((name) => name.slice(0, -4));
}

test('texts that must not parse give C++ Nix\'s message', { skip }, async (t) => {
  for (const name of cases('parse-fail-')) {
    await t.test(name, () => {
      const text = readFileSync(join(folder, `${name}.nix`), 'latin1');
      const expected = readFileSync(join(folder, `${name}.err.exp`), 'latin1');
      const error = checkNames(text, { kind: 'stdin' });
      assert.ok(error, 'it parsed');
      assert.equal(`${renderNixError(error, { showTrace: false })}\n`, expected);
    });
  }
});

test('texts that must parse are printed as C++ Nix does', { skip }, async (t) => {
  for (const name of cases('parse-okay-')) {
    await t.test(name, () => {
      const text = readFileSync(join(folder, `${name}.nix`), 'latin1');
      const expected = readFileSync(join(folder, `${name}.exp`), 'latin1');
      assert.equal(`${parseText(text, { directory: folder })}\n`, expected);
    });
  }
});
