/**
 * C++ Nix's functional tests: the table names them all, and those that it says pass, pass.
 *
 * They need C++ Nix's source (FIRN_TEST_NIX_SOURCE), and many minutes: the environment variable
 * FIRN_TEST_FUNCTIONAL chooses tests by their names, or `passing` for all that pass. Without it one
 * stands for them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { allTests, runTest, testFolder } from './suite.ts';
import { readTable } from './table.ts';

const folder = testFolder();
const skip = folder === undefined ? 'FIRN_TEST_NIX_SOURCE names no source of C++ Nix' : false;
const sample = 'path-from-hash-part.sh';

test('the table names each functional test once, and says why one is left out', () => {
  const rows = readTable();
  assert.ok(rows.length > 200, 'the table was not found');
  assert.deepEqual(rows.map((row) => row.test).filter((name, index, all) => all.indexOf(name) !== index), []);
  assert.deepEqual(rows.filter((row) => (row.state === 'left out') !== (row.reason !== '')), []);
});

test('the table names the tests that C++ Nix has', { skip }, () => {
  assert.deepEqual(readTable().map((row) => row.test).sort(), allTests(folder as string));
});

const chosen = process.env['FIRN_TEST_FUNCTIONAL'] ?? sample;
const passing = readTable().filter((row) => row.state === 'passes').map((row) => row.test);
for (const name of chosen === 'passing' ? passing : chosen.split(/\s+/).filter(Boolean)) {
  const options = skip === false ? needs('bash', 'jq') : { skip };
  test(`functional test ${name}`, options, async () => {
    const outcome = await runTest(folder as string, name);
    assert.equal(outcome.result, 'passed', outcome.detail);
  });
}
