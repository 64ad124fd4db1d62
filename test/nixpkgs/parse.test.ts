/**
 * `--parse` of nixpkgs' files prints what C++ Nix prints.
 *
 * A sample by default; FIRN_TEST_NIXPKGS_PARSE=all takes every file. Many files go through one
 * process; where the outcome of a batch differs it is halved, down to the files at fault.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nixpkgs, oracle, own, withTreeAndNix } from './support.ts';

const batchSize = 400;
/** Prime, so that the sample does not follow the layout of folders. */
const sampleStep = 47;

function nixFiles(): string[] {
  const all = readdirSync(nixpkgs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.nix'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return process.env['FIRN_TEST_NIXPKGS_PARSE'] === 'all' ? all : all.filter((_, index) => index % sampleStep === 0);
}

/** The files among these whose parse differs. */
function differing(files: readonly string[]): string[] {
  const theirs = oracle(['--parse', ...files]);
  const ours = own(['--parse', ...files]);
  const failed = theirs.status !== 0;
  if (failed === (ours.status !== 0) && theirs.stdout === ours.stdout && (!failed || files.length === 1)) return [];
  if (files.length === 1) return [...files];
  const middle = files.length >> 1;
  return [...differing(files.slice(0, middle)), ...differing(files.slice(middle))];
}

test('nixpkgs’ files parse as in C++ Nix', withTreeAndNix, () => {
  const files = nixFiles();
  assert.ok(files.length > 100, `only ${files.length} files`);
  const different: string[] = [];
  for (let start = 0; start < files.length; start += batchSize) {
    different.push(...differing(files.slice(start, start + batchSize)));
  }
  assert.deepEqual(different, []);
});
