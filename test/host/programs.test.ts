/**
 * Programs of files that are kept between runs are those of the files as they are: whatever happens
 * to the files or to what is kept, the value is the one that is found without.
 */

import assert from 'node:assert/strict';
import {
  chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ProgramsOutcome, ProgramsWork } from './programs-worker.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-programs-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Modules are compiled once for all threads. */
const threadStart = `
require('node:module').enableCompileCache(${JSON.stringify(join(scratch, 'modules'))});
import(${JSON.stringify(new URL('./programs-worker.ts', import.meta.url).href)})`;

/** A folder with files, one for what is kept, and an expression. */
class World {
  readonly folder: string;
  readonly cache: string;
  expression: string;

  constructor(name: string, files: Readonly<Record<string, string>>, expression: string) {
    this.folder = join(scratch, name);
    this.cache = join(this.folder, 'cache');
    this.expression = expression;
    mkdirSync(this.folder);
    for (const [file, text] of Object.entries(files)) this.write(file, text);
  }

  place(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.place(name)), { recursive: true });
    writeFileSync(this.place(name), text);
  }

  /** The files of what is kept. */
  kept(): string[] {
    return readdirSync(join(this.cache, 'programs')).sort().map((name) => join(this.cache, 'programs', name));
  }

  run(more: Partial<ProgramsWork> = {}): Promise<ProgramsOutcome> {
    const { folder, cache, expression } = this;
    const worker = new Worker(threadStart, {
      eval: true, workerData: { folder, cache, expression, ...more } satisfies ProgramsWork,
    });
    return new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
    });
  }

  /** The value without anything kept. */
  async fresh(): Promise<string> {
    return (await this.run({ cache: undefined })).value;
  }
}

/** A file that uses all that programs consist of. */
const everything = `{ a, b ? a + 1, ... }@args: let
  inherit (args) c;
  inherit (builtins) map toString;
  set = rec { x = 1; y = x + 1; z.w = ./here; \${"dyn" + "amic"} = 3; inherit a; };
  f = x: y: z: x + y * z - 1 / 1;
in with set; assert a == 1 -> !(b < a); [
  a b c x y set.z.w dynamic (f 1 2 3) (set.none or "none") (set ? z.w) (set ? q) 1.5 1.0e10 123456789012 9223372036854775807
  "text" "\${toString a} \${"in"}" ''
    indented \${toString b}
  '' (map (v: v * 2) [ 1 2 ] ++ [ ]) (set // { x = null; }).x true false null
  (builtins.functionArgs ({ p, q ? 1 }: p)) (if a == 1 then "one" else "other") (-a) [ ] { } (builtins.attrNames set)
  (builtins.unsafeGetAttrPos "y" set).line __curPos.column (let g = { v }: v; in g { v = "v"; }) (((p: q: r: s: s) 1 2 3 4))
  (builtins.tryEval (assert false; 1)).success (builtins.tryEval (throw "x")).success
]`;

test('a program that is kept does what it did, and its file is not read again', async () => {
  const world = new World('everything', { 'f.nix': everything, here: '' }, 'import ./f.nix { a = 1; c = "c"; }');
  await rest(3100);
  const first = await world.run();
  assert.equal(first.value, await world.fresh());
  assert.deepEqual([first.read, first.known], [[world.place('f.nix')], []]);
  const second = await world.run();
  assert.equal(second.value, first.value);
  assert.deepEqual([second.read.length, second.known], [1, [world.place('f.nix')]], 'it is read only for the line');
  assert.deepEqual(second.observed, first.observed);
});

interface Change {
  readonly name: string;
  /** Files below the case's own folder; the expression sees it as `./.`. */
  readonly files: Readonly<Record<string, string>>;
  readonly expression: string;
  prepare?(folder: string): void;
  change(folder: string): void;
  /** What is found afterwards. */
  readonly value: string;
}

/** Replaces a file's text by one of the same length, and puts the modification time back. */
function rewriteUnseen(file: string, text: string): void {
  const { size, atime, mtime } = statSync(file);
  writeFileSync(file, text);
  utimesSync(file, atime, mtime);
  assert.equal(statSync(file).size, size);
  assert.equal(statSync(file).mtimeMs, mtime.getTime());
}

const changes: readonly Change[] = [
  { name: 'nothing', files: { f: '1' }, expression: 'import ./f', change: () => {}, value: '1' },
  { name: 'another text', files: { f: '1' }, expression: 'import ./f', change: (at) => writeFileSync(`${at}/f`, '22'), value: '22' },
  { name: 'a text of the same size', files: { f: '1' }, expression: 'import ./f',
    change: (at) => writeFileSync(`${at}/f`, '2'), value: '2' },
  { name: 'same size and modification time', files: { f: '1' }, expression: 'import ./f',
    prepare: (at) => utimesSync(`${at}/f`, 1, 1), change: (at) => rewriteUnseen(`${at}/f`, '2'), value: '2' },
  { name: 'another file of the same size and times in its place', files: { f: '1', g: '2' }, expression: 'import ./f',
    prepare: (at) => ['f', 'g'].forEach((name) => utimesSync(`${at}/${name}`, 1, 1)),
    change: (at) => renameSync(`${at}/g`, `${at}/f`), value: '2' },
  { name: 'two files that change places', files: { f: '1', g: '2' }, expression: '[ (import ./f) (import ./g) ]',
    change: (at) => {
      renameSync(`${at}/f`, `${at}/h`);
      renameSync(`${at}/g`, `${at}/f`);
      renameSync(`${at}/h`, `${at}/g`);
    }, value: '[ 2 1 ]' },
  { name: 'touched only', files: { f: '1' }, expression: 'import ./f', change: (at) => utimesSync(`${at}/f`, 5, 5), value: '1' },
  { name: 'link to another file', files: { f: '1', g: '2' }, expression: 'import ./l', prepare: (at) => symlinkSync('f', `${at}/l`),
    change: (at) => {
      unlinkSync(`${at}/l`);
      symlinkSync('g', `${at}/l`);
    }, value: '2' },
  { name: 'link in the middle of a path', files: { 'd/f': './x', 'e/f': './x + "y"' }, expression: 'baseNameOf (import ./l/f)',
    prepare: (at) => symlinkSync('d', `${at}/l`),
    change: (at) => {
      unlinkSync(`${at}/l`);
      symlinkSync('e', `${at}/l`);
    }, value: '"xy"' },
  { name: 'folder in the place of a file', files: { f: '1' }, expression: 'import ./f',
    change: (at) => {
      unlinkSync(`${at}/f`);
      mkdirSync(`${at}/f`);
      writeFileSync(`${at}/f/default.nix`, '3');
    }, value: '3' },
  { name: 'file that was there before', files: { f: '1' }, expression: 'import ./f',
    change: (at) => {
      cpSync(`${at}/f`, `${at}/saved`, { preserveTimestamps: true });
      writeFileSync(`${at}/f`, '2');
      cpSync(`${at}/saved`, `${at}/f`, { preserveTimestamps: true });
    }, value: '1' },
  { name: 'same text at another path', files: { 'd/f': './x' }, expression: 'baseNameOf (dirOf (import (./. + "/${"d"}/f")))',
    change: () => {}, value: '"d"' },
  { name: 'file that is gone', files: { f: '1' }, expression: 'if builtins.pathExists ./f then import ./f else 0',
    change: (at) => unlinkSync(`${at}/f`), value: '0' },
];

for (const rested of [true, false]) {
  test(`changes of files that ${rested ? 'have rested' : 'are new'} are seen`, async () => {
    const world = new World(`changes-${rested}`, {}, '');
    const folders = changes.map((_, i) => world.place(`case${i}`));
    changes.forEach(({ files, prepare }, i) => {
      for (const [name, text] of Object.entries(files)) world.write(`case${i}/${name}`, text);
      prepare?.(folders[i]!);
    });
    const parts = changes.map(({ expression }, i) => `(${expression.replaceAll('./', `./case${i}/`)})`);
    world.expression = `[ ${parts.join(' ').replaceAll('case0/. ', '. ')} ]`;
    if (rested) await rest(3100);
    const first = await world.run();
    assert.equal(first.value, await world.fresh());
    changes.forEach(({ change }, i) => change(folders[i]!));
    const second = await world.run();
    assert.equal(second.value, `[ ${changes.map(({ value }) => value).join(' ')} ]`);
    assert.equal(await world.fresh(), second.value);
    assert.equal(second.known.includes(world.place('case0/f')), rested, 'what nobody touched is known');
  });
}

test('a file that changes while the program runs is not shown as it is not', async () => {
  const world = new World('meanwhile', { f: '\n{\n  a = 1; }' },
    'let v = import ./f; in builtins.seq v (builtins.trace "now" (builtins.unsafeGetAttrPos "a" v).line)');
  await rest(3100);
  assert.equal((await world.run()).value, '3');
  assert.match((await world.run({ written: [world.place('f'), '{ a = 1; }'] })).value, /changed meanwhile/);
});

test('settings that decide what a text means have programs of their own', async () => {
  const world = new World('settings', { pipe: '1 |> (x: x + 1)', home: '~/x', file: '1' }, '');
  const run = async (expression: string, settings: ProgramsWork['settings'] = {}) => {
    world.expression = expression;
    return (await world.run({ settings })).value;
  };
  assert.equal(await run('import ./pipe', { features: new Set(['pipe-operators']) }), '2');
  assert.match(await run('import ./pipe'), /pipe-operators/);
  assert.equal(await run('import ./home', { homeDirectory: '/one' }), '/one/x');
  assert.equal(await run('import ./home', { homeDirectory: '/other' }), '/other/x');
  assert.match(await run('import ./home', { pureEval: true, allowedPaths: ['/'] }), /pure/);
  assert.equal(await run('import ./file'), '1');
  assert.match(await run('import ./file', { restrictEval: true, allowedPaths: [] }), /restricted/);
});

test('another Firn does not use what this one has kept', async () => {
  const world = new World('versions', { f: '1' }, 'import ./f');
  await rest(3100);
  await world.run();
  assert.deepEqual((await world.run({ program: 'other' })).known, []);
  assert.deepEqual((await world.run()).known, [world.place('f')]);
});

test('a file that the parser warns of does so each time', async () => {
  const world = new World('warnings', { f: '[ http://example.org/x ]' }, 'import ./f');
  const settings = { lints: { 'url-literals': 'warn' } } as const;
  for (let round = 0; round < 2; round++) assert.equal((await world.run({ settings })).output.length, 1);
});

test('what is damaged is not believed', async () => {
  const world = new World('damage', { f: everything, here: '' }, 'import ./f { a = 1; c = "c"; }');
  const { value } = await world.run();
  const [file] = world.kept();
  const whole = readFileSync(file!);
  const damages = [0, 60, 90, 120, whole.length >> 1, whole.length - 1];
  for (const at of damages) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 4;
    writeFileSync(file!, bytes);
    assert.equal((await world.run()).value, value, `byte ${at}`);
  }
  for (const length of [0, 99, whole.length - 1]) {
    writeFileSync(file!, whole.subarray(0, length));
    assert.equal((await world.run()).value, value, `${length} bytes`);
  }
  writeFileSync(file!, Buffer.concat([whole, whole]));
  assert.equal((await world.run()).value, value);
});

test('a row of segments is one image; a foreign one in it ends it', async () => {
  const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, `{ ${name} = rec { x = "${name}"; inherit (x) y; }; }.${name}.x`]));
  const world = new World('row', files, 'import ./a');
  await rest(3100);
  for (const expression of ['import ./a', 'import ./a + import ./b', 'import ./a + import ./b + import ./c']) {
    world.expression = expression;
    assert.equal((await world.run()).value, await world.fresh());
  }
  assert.equal(world.kept().length, 3);
  assert.deepEqual((await world.run()).known.length, 3);
  const [first, second, third] = world.kept();
  writeFileSync(second!, readFileSync(first!));
  const broken = await world.run();
  assert.equal(broken.value, '"abc"');
  assert.deepEqual(broken.known, [world.place('a')]);
  assert.equal(world.kept().includes(third!), false);
  assert.deepEqual((await world.run()).known.length, 3);
});

test('several at once add what fits, and disturb nobody', async () => {
  const files = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`f${i}`, `{ name${i} = ${i}; }.name${i}`]));
  const world = new World('several', files, '');
  await rest(3100);
  for (let round = 0; round < 2; round++) {
    const outcomes = await Promise.all(Object.keys(files).map((_, i) =>
      world.run({ expression: `[ (import ./f${i}) (import ./f${(i + 1) % 4}) ]` })));
    outcomes.forEach(({ value }, i) => assert.equal(value, `[ ${i} ${(i + 1) % 4} ]`));
  }
  for (let i = 0; i < 4; i++) assert.equal((await world.run({ expression: `import ./f${i}` })).value, `${i}`);
  assert.ok(world.kept().every((file) => /\.\d+$/.test(file)), 'nothing temporary is left');
});

test('what a killed run left is removed, and does no harm', async () => {
  const world = new World('killed', { f: '1', g: '{ a = { b = 2; c.d = 3; }; }.a.b' }, 'import ./f');
  await world.run();
  const [kept] = world.kept();
  const left = [`${kept}.77-1`, `${kept!.replace(/0$/, '1')}.78-2`];
  for (const file of left) {
    writeFileSync(file, readFileSync(kept!).subarray(0, 50));
    utimesSync(file, 1, 1);
  }
  assert.equal((await world.run({ expression: 'import ./f + import ./g' })).value, '3');
  assert.deepEqual(world.kept(), [kept, kept!.replace(/0$/, '1')]);
});

const asRoot = process.getuid?.() === 0;

test("another user's programs are neither used nor removed", { skip: asRoot ? false : 'only root can give files away' }, async () => {
  const world = new World('foreign', { f: '1' }, 'import ./f');
  await rest(3100);
  await world.run();
  const [file] = world.kept();
  const text = readFileSync(file!);
  chownSync(file!, 12345, 12345);
  const outcome = await world.run();
  assert.deepEqual([outcome.value, outcome.known], ['1', []]);
  assert.deepEqual(readFileSync(file!), text);
});

test('programs that may not be read are made anew', { skip: asRoot ? 'root may read everything' : false }, async () => {
  const world = new World('unreadable', { f: '1' }, 'import ./f');
  await rest(3100);
  await world.run();
  chmodSync(world.kept()[0]!, 0);
  assert.deepEqual((await world.run()).known, []);
  assert.deepEqual((await world.run()).known, [world.place('f')]);
});

test('where nothing can be kept, all goes on', async () => {
  const world = new World('nowhere', { f: '1', file: '' }, 'import ./f');
  assert.equal((await world.run({ cache: world.place('file') })).value, '1');
  assert.equal((await world.run({ cache: '/dev/null/nowhere' })).value, '1');
});

test('no image is opened for a program that imports nothing', async () => {
  const world = new World('nothing', {}, '1 + 1');
  assert.equal((await world.run()).value, '2');
  assert.throws(() => world.kept(), /ENOENT/);
});
