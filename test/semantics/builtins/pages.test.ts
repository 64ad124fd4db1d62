/**
 * docs/builtins says of each builtin what its definition says, and no builtin of C++ Nix is
 * missing: the list below is checked against the source in FIRN_TEST_NIX_SOURCE where that is set.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtinConstants, primOpDefinitions } from '#runtime';
import { builtinPages, pagesFolder } from './pages.ts';

const source = process.env['FIRN_TEST_NIX_SOURCE'];

test('docs/builtins is what the definitions say', () => {
  const remedy = 'run: node test/semantics/builtins/pages.ts';
  const pages = builtinPages();
  assert.deepEqual(readdirSync(pagesFolder).sort(), [...pages.keys()].sort(), remedy);
  for (const [file, text] of pages) {
    assert.equal(readFileSync(join(pagesFolder, file), 'utf8'), text, remedy);
  }
});

/** Names that C++ Nix registers for itself and no program can see, or only in debugging builds. */
const hidden = new Set(['forceLazyFetcherAttr', 'fetchFinalTree', 'exec', 'importNative']);

test(
  'every builtin of C++ Nix is there',
  { skip: source === undefined ? 'FIRN_TEST_NIX_SOURCE does not name a Nix source tree' : false },
  () => {
    const files = [
      'src/libexpr/primops.cc',
      'src/libflake/flake-primops.cc',
      ...['context', 'fetchClosure', 'fetchMercurial', 'fetchTree', 'fromTOML'].map(
        (name) => `src/libexpr/primops/${name}.cc`,
      ),
    ];
    const theirs = new Set<string>();
    for (const file of files) {
      const text = readFileSync(join(source!, file), 'utf8');
      for (const match of text.matchAll(/\.name = "(?:__)?([A-Za-z']+)"/g)) theirs.add(match[1]!);
      for (const match of text.matchAll(/addConstant\(\s*"(?:__)?([A-Za-z]+)"/g)) theirs.add(match[1]!);
    }
    const ours = new Set([...primOpDefinitions, ...builtinConstants].map(({ name }) => name));
    const missing = [...theirs].filter((name) => !ours.has(name) && !hidden.has(name));
    assert.deepEqual(missing, []);
    assert.ok(theirs.size > 100, 'the list could not be read');
    const invented = [...ours].filter((name) => !theirs.has(name));
    assert.deepEqual(invented, []);
  },
);
