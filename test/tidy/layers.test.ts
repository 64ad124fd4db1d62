/**
 * The layer table of ARCHITECTURE.md, enforced: reads every import in src/ and fails on an edge
 * that the table does not allow, on a path across layers that avoids the index, on a layer that
 * imports its own index, and on a `node:` import in a layer that must stay pure.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const source = new URL('../../src/', import.meta.url).pathname;

const allowed: Record<string, readonly string[]> = {
  base: [],
  program: [],
  diagnostics: ['base'],
  lang: ['base', 'diagnostics'],
  runtime: ['base', 'diagnostics'],
  flat: ['base', 'diagnostics', 'lang', 'runtime'],
  eval: ['base', 'diagnostics', 'lang', 'runtime', 'flat'],
  formats: ['base'],
  images: ['base', 'formats'],
  store: ['base', 'formats'],
  debian: ['base', 'formats'],
  build: ['base', 'formats', 'images', 'store', 'debian'],
  host: ['base', 'program', 'diagnostics', 'lang', 'runtime', 'flat', 'eval', 'build', 'store', 'debian', 'formats'],
  system: [
    'base', 'diagnostics', 'lang', 'runtime', 'eval', 'formats', 'images', 'store', 'debian',
    'build', 'host',
  ],
  cli: [
    'base', 'diagnostics', 'lang', 'runtime', 'eval', 'formats', 'images', 'store', 'debian',
    'build', 'host', 'system',
  ],
};

const pure = new Set(['base', 'diagnostics', 'lang', 'runtime', 'flat', 'eval', 'formats', 'images']);
const importPattern = /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s*'([^']+)'/g;

interface Import {
  readonly file: string;
  readonly layer: string;
  readonly specifier: string;
}

function collectImports(): Import[] {
  const found: Import[] = [];
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const file = path.slice(source.length);
    const layer = file.split('/')[0] ?? '';
    for (const match of readFileSync(path, 'utf8').matchAll(importPattern)) {
      found.push({ file, layer, specifier: match[1] ?? match[2] ?? match[3] ?? '' });
    }
  }
  return found;
}

const imports = collectImports();

test('every layer stands in the table', () => {
  const layers = new Set(imports.map((one) => one.layer));
  assert.ok(layers.size >= 10, 'the layers were not found');
  for (const layer of layers) assert.ok(layer in allowed, `src/${layer} is not in the layer table`);
});

test('imports across layers follow the table and go through the index', () => {
  const offences: string[] = [];
  for (const { file, layer, specifier } of imports) {
    if (specifier.startsWith('#')) {
      const target = specifier.slice(1);
      if (target === layer) offences.push(`${file} imports its own layer's index`);
      else if (!allowed[layer]?.includes(target)) offences.push(`${file}: ${layer} may not import ${target}`);
    } else if (specifier.startsWith('.')) {
      const target = new URL(specifier, `file:///${file}`).pathname.split('/')[1];
      if (target !== layer) offences.push(`${file} reaches into ${target} by a relative path`);
    }
  }
  assert.deepEqual(offences, []);
});

test('pure layers import nothing of Node but hashing', () => {
  const offences = imports
    .filter((one) => pure.has(one.layer) && one.specifier.startsWith('node:'))
    .filter((one) => one.specifier !== 'node:crypto')
    .map((one) => `${one.file} imports ${one.specifier}`);
  assert.deepEqual(offences, []);
});
