/**
 * Evaluations after a change, by whole processes: what they print is what evaluating anew prints,
 * whatever has changed and whatever has happened to the image that they go on from; and what has not
 * changed is not evaluated again.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { deleteTree } from '#store';
import { programDigest } from '../../src/host/results/question.ts';
import { firn, root, type Outcome } from '../support/firn.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-revised-'));
after(() => { deleteTree(scratch); });

const skipped = programDigest() === undefined ? 'results are kept only when the sources have rested' : false;

/** Packages and modules over them in little: options by name, definitions merged over a fixed point. */
const library = `
let
  fix = f: let x = f x; in x;
  load = config: m:
    let v = (if builtins.isFunction m then m else import m) { inherit config; };
    in [ (removeAttrs v [ "imports" ]) ] ++ builtins.concatMap (load config) (v.imports or [ ]);
  package = name: derivation { inherit name; system = "s"; builder = "/bin/sh"; args = [ "-c" "echo \${name} > $out" ]; };
  base = builtins.genList (n: { config, ... }: { packages = [ (package "base-\${toString n}") ]; }) 40;
in host: fix (config:
  let all = builtins.concatMap (load config) (base ++ [
    ({ config, ... }: { system = derivation {
      name = "system-\${config.name}"; system = "s"; builder = "/bin/sh"; packages = config.packages; }; })
    host
  ]);
  in { packages = builtins.concatMap (m: m.packages or [ ]) all; }
    // builtins.foldl' (a: b: a // removeAttrs b [ "packages" ]) { } all)`;

/** A folder with a program over a file that changes, and a cache of its own. */
class World {
  readonly folder: string;
  readonly cache: string;

  constructor(name: string, files: Readonly<Record<string, string>> = {}) {
    this.folder = join(scratch, name);
    this.cache = join(this.folder, 'cache');
    this.write('lib/default.nix', library);
    this.write('default.nix', '{ host ? ./etc/host.nix }: { config = import ./lib host; }');
    this.write('etc/host.nix', '{ config, ... }: { name = "first"; }');
    for (const [file, text] of Object.entries(files)) this.write(file, text);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  host(body: string): void {
    this.write('etc/host.nix', `{ config, ... }: { ${body} }`);
  }

  /** The files of images. */
  images(): string[] {
    const folder = join(this.cache, 'firn/images');
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  }

  run(args: readonly string[] = question, env: Readonly<Record<string, string>> = {}): Outcome {
    return firn(['nix-instantiate', ...args, '-vvvv'], {
      cwd: this.folder, env: { ...environment, XDG_CACHE_HOME: this.cache, NIX_STORE_DIR: '', ...env },
    });
  }

  /** Evaluates as it is usual, and without anything kept; how it was performed. */
  check(args: readonly string[] = question, env: Readonly<Record<string, string>> = {}): string {
    const { stdout, stderr, status } = this.run(args, env);
    const anew = this.run([...args, '--option', 'eval-cache', 'false'], env);
    assert.equal(stdout, anew.stdout, stderr);
    assert.equal(status, anew.status, stderr);
    assert.equal(withoutOurs(stderr), withoutOurs(anew.stderr));
    return /evaluated (again|anew)/.exec(stderr)?.[0] ?? '';
  }

  /** Up to where an image is. */
  prepare(args: readonly string[] = question): void {
    this.check(args);
    this.host('name = "second";');
    this.check(args);
    assert.equal(this.images().length, 1);
  }
}

const environment = { FIRN_REVISIONS: 'always' };

/** The first evaluation makes the pack, which counts as another program. */
before(() => {
  for (let round = 0; round < 3; round++) firn(['nix-instantiate', '--eval', '-E', `${round}`], { env: environment });
});

const question = ['--eval', '-A', 'config.system.drvPath'];

function withoutOurs(stderr: string): string {
  return stderr.split('\n').filter((line) => !line.startsWith('evaluated ')).join('\n');
}

test('what a change does not reach is not evaluated again', { skip: skipped }, () => {
  const world = new World('reach');
  assert.equal(world.check(), '');
  world.host('name = "second";');
  assert.equal(world.check(), '', 'an image is made');
  const [image] = world.images();
  const before = statSync(image!).ino;
  for (const body of ['name = "third";', 'name = "third"; other = 1;', 'name = "x" + config.mid; mid = "y";']) {
    world.host(body);
    const { stderr } = world.run();
    const [, again, ofAll] = /evaluated again: (\d+) of (\d+)/.exec(stderr) ?? assert.fail(stderr);
    assert.ok(Number(again) < Number(ofAll) / 4, `${again} of ${ofAll}`);
    assert.equal(world.check(), '', 'the result is kept');
  }
  assert.equal(statSync(image!).ino, before);
});

test('the main file may change too', { skip: skipped }, () => {
  const world = new World('main');
  world.check();
  for (const [number, expected] of ['', 'evaluated again', 'evaluated again'].entries()) {
    world.write('default.nix', `{ host ? ./etc/host.nix }: { config = import ./lib host; n = ${number}; }`);
    assert.equal(world.check(), expected);
    world.host(`name = "host-${number}";`);
    assert.equal(world.check(), 'evaluated again');
  }
});

test('a short evaluation leaves no image', { skip: skipped }, () => {
  const world = new World('short');
  for (const name of ['a', 'b', 'c']) {
    world.host(`name = "${name}";`);
    assert.equal(world.check(question, { FIRN_REVISIONS: '' }), '');
  }
  assert.deepEqual(world.images(), []);
});

test('whatever changes, the answer is not stale', { skip: skipped }, () => {
  const world = new World('stale', {
    'etc/text': 'one', 'etc/extra/a.nix': '_: { }',
    'etc/host.nix': '{ config, ... }: { name = "first"; }',
  });
  const uses = `name = builtins.replaceStrings [ "\\n" ] [ "" ] (builtins.readFile ./text)
    + toString (builtins.length (builtins.attrNames (builtins.readDir ./extra))) + builtins.getEnv "WORD" + suffix;
    suffix = if builtins.pathExists ./flag then "-flag" else ""; imports = [ ./extra/a.nix ];`;
  const host = (more = '') => world.host(`${uses.replace('+ suffix', '+ config.suffix')} ${more}`);
  host();
  world.check();
  host('other = 1;');
  world.check();
  host('other = 2;');
  assert.equal(world.check(), 'evaluated again');
  const steps: readonly (readonly [string, () => void])[] = [
    ['a text that is read', () => world.write('etc/text', 'two')],
    ['a name in a folder', () => world.write('etc/extra/b.nix', '_: { }')],
    ['an imported neighbour', () => world.write('etc/extra/a.nix', '_: { other = 7; suffix = "-a"; }')],
    ['whether a path exists', () => world.write('etc/flag', '')],
    ['the library', () => world.write('lib/default.nix', library.replace('base-', 'basis-'))],
    ['an import that is new', () => host('imports = [ ./new.nix ];'.replace('imports', 'more'))],
    ['the file itself', () => host('other = 3;')],
  ];
  for (const [what, change] of steps) {
    host(`before = "${what}";`);
    world.check();
    assert.equal(world.images().length, 1, what);
    change();
    host(`step = "${what}";`);
    world.check();
  }
  world.check(question, { WORD: 'w' });
  host('other = 4;');
  world.check(question, { WORD: 'v' });
});

test('a file that came later may change too', { skip: skipped }, () => {
  const world = new World('later');
  world.prepare();
  world.write('etc/later.nix', '_: { name = "later"; }');
  world.write('etc/host.nix', '{ config, ... }: { imports = [ ./later.nix ]; }');
  assert.equal(world.check(), 'evaluated again');
  world.write('etc/later.nix', '_: { name = "later still"; }'.replace(' still', '-still'));
  assert.equal(world.check(), 'evaluated again');
  world.host('name = "gone";');
  assert.equal(world.check(), 'evaluated again');
  rmSync(join(world.folder, 'etc/later.nix'));
  world.host('name = "gone-too";');
  world.check();
});

test('errors are those of evaluating anew, and go again', { skip: skipped }, () => {
  const world = new World('errors');
  world.prepare();
  for (const body of ['name = throw "no name";', 'name = config.missing;', 'name = config.name;', 'name = "a" ++ 1;', 'name = ']) {
    world.host(body);
    world.check();
  }
  rmSync(join(world.folder, 'etc/host.nix'));
  world.check();
  world.host('name = "well";');
  assert.equal(world.check(), 'evaluated again');
});

test('what is shown is shown each time', { skip: skipped }, () => {
  const world = new World('shown');
  const host = (name: string) => world.host(
    `name = builtins.trace "name" "${name}"; extra = builtins.warn "careful" 1; packages = builtins.trace "packages" [ ];`);
  host('a');
  world.prepare();
  for (const name of ['b', 'c']) {
    host(name);
    world.check();
  }
  world.check();
});

test('an image that is damaged, cut off, foreign or gone is done without', { skip: skipped }, () => {
  const world = new World('damaged');
  const cases: readonly ((place: string, bytes: Buffer) => void)[] = [
    (place, bytes) => writeFileSync(place, bytes.subarray(0, bytes.length >> 1)),
    (place) => writeFileSync(place, ''),
    (place, bytes) => writeFileSync(place, Buffer.concat([bytes.subarray(0, 20), Buffer.from('x'), bytes.subarray(21)])),
    (place, bytes) => {
      // Every piece is wrong.
      for (let at = 200; at < bytes.length; at += 1000) bytes[at]! ^= 0x55;
      writeFileSync(place, bytes);
    },
    (place) => rmSync(place),
  ];
  cases.forEach((damage, number) => {
    rmSync(world.cache, { recursive: true, force: true });
    world.host('name = "first";');
    world.prepare();
    const [image] = world.images();
    damage(image!, readFileSync(image!));
    world.host(`name = "case-${number}";`);
    assert.notEqual(world.check(), 'evaluated again');
  });
});

test('where no image can be written, nothing else is lost', { skip: skipped }, () => {
  const world = new World('unwritable');
  mkdirSync(join(world.cache, 'firn'), { recursive: true });
  writeFileSync(join(world.cache, 'firn/images'), 'a file');
  for (const name of ['a', 'b', 'c']) {
    world.host(`name = "${name}";`);
    assert.equal(world.check(), '');
  }
});

test('what killed runs left is removed', { skip: skipped }, () => {
  const world = new World('left');
  const left = join(world.cache, 'firn/images', `${'a'.repeat(64)}.1-1`);
  mkdirSync(dirname(left), { recursive: true });
  writeFileSync(left, 'half');
  utimesSync(left, 1, 1);
  world.prepare();
  assert.equal(existsSync(left), false);
});

test('derivations are written whole', { skip: skipped }, () => {
  const world = new World('written');
  const store = join(world.folder, 'store');
  const args = ['-A', 'config.system', '--store', store];
  const anew = (): string => world.run([...args.slice(0, 3), `${store}-anew`, '--option', 'eval-cache', 'false']).stdout;
  const bodies = ['name = "a";', 'name = "b";', 'name = "c";', 'name = "d"; packages = [ config.system2 ]; system2 = "x";'];
  for (const body of bodies) {
    world.host(body);
    const { stdout, stderr } = world.run(args);
    assert.equal(stdout, anew(), stderr);
    const closure = firn(['nix-store', '-qR', stdout.trim(), '--store', store]).stdout.trim().split('\n');
    assert.equal(closure.length, 41);
    assert.equal(firn(['nix-store', '--verify-path', ...closure, '--store', store]).status, 0);
  }
  // What was written is gone: nothing that was found in an image can be relied on.
  firn(['nix-store', '--gc', '--store', store]);
  world.host('name = "e";');
  const { stdout } = world.run(args);
  assert.equal(firn(['nix-store', '-qR', stdout.trim(), '--store', store]).stdout.trim().split('\n').length, 41);
});

test('several processes at once do not disturb each other', { skip: skipped }, async () => {
  const world = new World('several');
  world.prepare();
  world.host('name = "together";');
  const expected = world.run([...question, '--option', 'eval-cache', 'false']).stdout;
  const outputs = await Promise.all([1, 2, 3].map(() => new Promise<string>((resolve, reject) => {
    const child = spawn(join(root, 'firn'), ['nix-instantiate', ...question], {
      cwd: world.folder, env: { ...process.env, ...environment, XDG_CACHE_HOME: world.cache }, stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  })));
  assert.deepEqual(outputs, [expected, expected, expected]);
});
