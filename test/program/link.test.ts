/** Modules linked into one script do what they do as modules. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { link } from '../../src/program/link.ts';
import { readModule } from '../../src/program/module-text.ts';

interface Linked {
  readonly [name: string]: readonly [evaluate: () => void, exports: () => Record<string, unknown>];
}

/** Links modules by name, evaluates the first and tells what it exports. */
function run(modules: Readonly<Record<string, string>>, importOther?: (...args: string[]) => unknown) {
  const texts = new Map(Object.entries(modules).map(([name, text]) => [name, readModule(name, text)]));
  const make = new Function(`return ${link(texts).replace("'use strict';\n", '')}`)() as (
    require: unknown, sources: string, importOther: unknown, requireOther: unknown) => Linked;
  const linked = make((name: string) => ({ default: name, basename: (path: string) => `${name}:${path}` }),
    'file:///src/', importOther, (name: string) => () => name);
  const [first = ''] = Object.keys(modules);
  linked[first]?.[0]();
  return linked[first]?.[1]() ?? {};
}

test('names are imported, renamed and passed on', () => {
  assert.deepEqual({ ...run({
    'a/main.ts': "import { one, two as second } from '#b';\nimport { three } from './c.ts';\n"
      + 'export const sum = one() + second + three;\n',
    'b/index.ts': "export * from './one.ts';\nexport { inner as two } from './two.ts';\n",
    'b/one.ts': 'export function one() { return 1; }\n',
    'b/two.ts': 'const secret = 20;\nexport {\n  secret as inner,\n};\n',
    'a/c.ts': 'const secret = 300;\nexport const three = secret;\n',
  }) }, { sum: 321 });
});

test('equal names of two modules stay apart, also where they hide names of Node', () => {
  assert.deepEqual({ ...run({
    'main.ts': "import { run } from './a.ts';\nimport { run as other, URL } from './b.ts';\n"
      + "export const all = [run(), other(), URL, new globalThis.URL('a:b').href];\n",
    'a.ts': "export function run() { return new URL('x:y').href; }\n",
    'b.ts': "export function run() { return 'b'; }\nexport const URL = 'mine';\n",
  }) }, { all: ['x:y', 'b', 'mine', 'a:b'] });
});

test('modules run once, in their order, and functions are there before them', () => {
  assert.deepEqual(run({
    'main.ts': "import { log } from './log.ts';\nimport './b.ts';\nimport './a.ts';\n"
      + "export function name() { return 'main'; }\nexport { log };\nlog.push('main');\n",
    'a.ts': "import { log } from './log.ts';\nimport './b.ts';\nlog.push('a');\n",
    'b.ts': "import { name } from './main.ts';\nimport { log } from './log.ts';\n"
      + 'export const later = () => name();\nlog.push(`b`);\n',
    'log.ts': 'export const log = [];\n',
  })['log'], ['b', 'a', 'main']);
});

test('what is assigned to later is seen by those who import it', () => {
  assert.deepEqual({ ...run({
    'main.ts': "import { count, grow } from './count.ts';\nexport const before = count;\ngrow();\n"
      + 'export const after = count;\n',
    'count.ts': 'export let count = 1;\nexport function grow() { count += 1; }\n',
  }) }, { before: 1, after: 2 });
});

test('modules of Node, places and imports while running are those of the module', async () => {
  const exports = run({
    'deep/main.ts': "import { basename as base } from 'node:path';\nimport whole from 'x';\n"
      + "export const all = [base('p'), whole.default, import.meta.url];\n"
      + "export const loaded = async () => await import('./late.ts');\n"
      + "const require = createRequire(import.meta.url);\nexport const from = require('./y.ts');\n",
  }, (from, specifier) => Promise.resolve(`${from} ${specifier}`));
  assert.deepEqual(exports['all'], ['node:path:p', 'x', 'file:///src/deep/main.ts']);
  assert.equal(await (exports['loaded'] as () => Promise<unknown>)(), 'deep/main.ts ./late.ts');
  assert.equal(exports['from'], 'deep/main.ts');
});

test('every import while running is found', async () => {
  const exports = run({
    'main.ts': "export const loaded = () => Promise.all([\n  import('./a.ts'), import('node:b'),\n]);\n"
      + 'export const text = (url) => `start;\nimport(${url});`;\n',
  }, (from, specifier) => Promise.resolve(`${from} ${specifier}`));
  assert.deepEqual(await (exports['loaded'] as () => Promise<unknown>)(), ['main.ts ./a.ts', 'main.ts node:b']);
  assert.equal((exports['text'] as (url: string) => string)('u'), 'start;\nimport(u);');
});

test('text of a module may have any character and lines that look like statements', () => {
  assert.deepEqual({ ...run({
    'main.ts': "export const text = `…\n import { x } from 'y';\n`;\n",
  }) }, { text: "…\n import { x } from 'y';\n" });
});

test('what has another form is refused and not passed over', () => {
  const refuses = (text: string, message: RegExp) =>
    assert.throws(() => run({ 'main.ts': text, 'a.ts': "import { b as x } from './b.ts';\nexport const a = x;\n",
      'b.ts': "import { a } from './a.ts';\nexport const b = 1;\n" }), message);
  refuses("import * as all from './a.ts';\n", /cannot link 'main.ts': .*import \* as all/);
  refuses('export default 1;\n', /export default/);
  refuses('await null;\n', /await null/);
  refuses('const url = 1;\nexport const x = () => { return import(url); };\n', /import\(url\)/);
  refuses('export const x = import.meta.dirname;\n', /import\.meta\.dirname/);
  refuses("import { none } from './a.ts';\n", /'a.ts' exports no 'none'/);
  refuses("import { a } from './gone.ts';\nexport const x = a;\n", /gone.ts/);
  refuses('', /circle of modules/);
});
