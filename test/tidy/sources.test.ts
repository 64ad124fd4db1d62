/**
 * House rules that a machine can check: each source file opens with a header, stays under the size
 * limit, is used by something; no file names a package registry.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url).pathname;
const tracked = execFileSync('git', ['-C', root, 'ls-files', '-z'], { encoding: 'utf8', maxBuffer: 1 << 26 })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const sources = tracked.filter((file) => file.startsWith('src/') && file.endsWith('.ts'));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Flat tables and dispatch, for which one long file is the clearest form. */
const longAllowed = new Set<string>([]);
const maximumLines = 500;

test('every source file opens with a prose header', () => {
  assert.ok(sources.length > 20, 'the sources were not found');
  assert.deepEqual(sources.filter((file) => !read(file).startsWith('/**')), []);
});

test('no source file is longer than the limit', () => {
  const long = sources
    .filter((file) => !longAllowed.has(file))
    .map((file) => `${file}: ${read(file).split('\n').length - 1}`)
    .filter((line) => Number(line.split(': ')[1]) > maximumLines);
  assert.deepEqual(long, []);
});

test('every source file is imported or started by another', () => {
  const all = tracked.filter((file) => /\.(ts|json|sh)$/.test(file) || file === 'firn');
  const mentioned = new Set<string>();
  for (const file of all) {
    for (const match of read(file).matchAll(/['"]([.#][^'"\n]*?)['"]/g)) {
      const specifier = match[1] ?? '';
      if (specifier.startsWith('#')) mentioned.add(`src/${specifier.slice(1)}/index.ts`);
      else mentioned.add(join(dirname(file), specifier));
    }
  }
  // The program starts at main.ts, by the launcher.
  mentioned.add('src/cli/main.ts');
  assert.deepEqual(sources.filter((file) => !mentioned.has(file)), []);
});

test('no file names the host of a package registry', () => {
  // Put together here, so that this file need not be left out.
  const hosts = [['registry', 'npmjs'], ['deb', 'debian'], ['security', 'debian']];
  const forbidden = new RegExp(hosts.map((parts) => `\\b${parts.join('\\.')}\\.`).join('|'));
  const offenders = tracked
    .filter((file) => !/\.(png|gpg|bin|xz|zst|nar|deb)$/.test(file))
    .filter((file) => forbidden.test(read(file)));
  assert.deepEqual(offenders, []);
});

test('no binary is left out where npm runs on an older Node than ours', () => {
  // npm skips an optional package whose engines exclude the Node that it runs on itself, which is
  // the system's, while ours is one of the packages that it installs. See docs/dependencies.md.
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { optional?: boolean; engines?: { node?: string } }>;
  };
  const binaries = Object.entries(lock.packages).filter(
    ([name, { optional }]) => optional === true && name.includes('lzma'),
  );
  assert.ok(binaries.length > 10, 'the lock file names the binaries of every platform');
  assert.deepEqual(binaries.filter(([, entry]) => entry.engines !== undefined), []);
});
