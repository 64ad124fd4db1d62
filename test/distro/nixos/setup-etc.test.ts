/**
 * The program that makes /etc of a tree at activation: what it links, copies, replaces and removes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needs } from '../../support/foreign.ts';

const program = fileURLToPath(new URL('../../../distro/nixos/modules/system/etc/setup-etc.pl', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'firn-etc-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const self = `+${process.getuid?.() ?? 0}\t+${process.getgid?.() ?? 0}`;

let count = 0;

class Machine {
  readonly root = join(scratch, `root${++count}`);
  readonly etc = join(this.root, 'etc');

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(this.etc, { recursive: true });
    for (const [name, text] of Object.entries(files)) write(join(this.etc, name), text);
  }

  /** Activates a tree of files; `special` are lines of special-files. */
  activate(files: Readonly<Record<string, string>>, special: readonly string[] = []): string {
    const tree = join(scratch, `tree${++count}`);
    mkdirSync(join(tree, 'etc'), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      write(join(tree, 'content', name), text);
      mkdirSync(dirname(join(tree, 'etc', name)), { recursive: true });
      symlinkSync(join(tree, 'content', name), join(tree, 'etc', name));
    }
    writeFileSync(join(tree, 'special-files'), special.map((line) => `${line}\n`).join(''));
    const { status, stderr } = spawnSync('perl', [program, tree, this.root], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(readlinkSync(join(this.etc, 'static')), `${tree}/etc`);
    return stderr;
  }

  /** What stands in /etc: text of files, `-> target` of links; the program's own files left out. */
  contents(folder = this.etc, below = ''): Record<string, string> {
    return Object.assign({}, ...readdirSync(folder).map((name) => {
      const path = join(folder, name);
      if (below === '' && (name === 'static' || name === '.clean')) return {};
      if (lstatSync(path).isSymbolicLink()) return { [below + name]: `-> ${readlinkSync(path)}` };
      if (lstatSync(path).isDirectory()) return this.contents(path, `${below}${name}/`);
      return { [below + name]: readFileSync(path, 'utf8') };
    })) as Record<string, string>;
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test('files become links through /etc/static, again and again', needs('perl'), () => {
  const machine = new Machine();
  for (let round = 0; round < 2; round++) {
    machine.activate({ a: '1', 'deep/er/b': '2' });
    assert.deepEqual(machine.contents(), { a: '-> /etc/static/a', 'deep/er/b': '-> /etc/static/deep/er/b' });
  }
});

test('what the next system does not have is removed, what is not ours stays', needs('perl'), () => {
  const machine = new Machine({ 'machine-id': 'mine', 'd/own': 'mine' });
  machine.activate({ a: '1', 'd/b': '2' });
  machine.activate({ c: '3' });
  assert.deepEqual(machine.contents(), { 'machine-id': 'mine', 'd/own': 'mine', c: '-> /etc/static/c' });
});

test('a file with a mode is copied, follows changes and goes away with its declaration', needs('perl'), () => {
  const machine = new Machine();
  machine.activate({ secret: 'one' }, [`copy\t0600\t${self}\tsecret`]);
  assert.equal(statSync(join(machine.etc, 'secret')).mode & 0o7777, 0o600);
  machine.activate({ secret: 'two' }, [`copy\t0640\t${self}\tsecret`]);
  assert.deepEqual(machine.contents(), { secret: 'two' });
  assert.equal(statSync(join(machine.etc, 'secret')).mode & 0o7777, 0o640);
  machine.activate({});
  assert.deepEqual(machine.contents(), {});
});

test('a copied file becomes a link when its mode is no longer given', needs('perl'), () => {
  const machine = new Machine();
  machine.activate({ f: 'one' }, [`copy\t0644\t${self}\tf`]);
  machine.activate({ f: 'two' });
  assert.deepEqual(machine.contents(), { f: '-> /etc/static/f' });
});

test('a direct link names the source itself', needs('perl'), () => {
  const machine = new Machine();
  machine.activate({ z: '1' }, [`link\t-\t${self}\tz`]);
  assert.match(machine.contents()['z']!, /^-> .*\/content\/z$/);
});

test('a file that is in the way is kept beside', needs('perl'), () => {
  const machine = new Machine({ a: 'by hand' });
  assert.match(machine.activate({ a: '1' }), /was in the way/);
  assert.deepEqual(machine.contents(), { a: '-> /etc/static/a', 'a.before-firn': 'by hand' });
});

test('a link where a folder is wanted gives way', needs('perl'), () => {
  const machine = new Machine();
  symlinkSync('/nonexistent', join(machine.etc, 'd'));
  machine.activate({ 'd/x': '1' });
  assert.deepEqual(machine.contents(), { 'd/x': '-> /etc/static/d/x' });
  assert.ok(!existsSync(join(machine.etc, 'd.before-firn')));
});

test('an unknown owner is told and root taken', needs('perl'), () => {
  const machine = new Machine();
  const tree = join(scratch, 'unknown-owner');
  write(join(tree, 'etc/f'), 'x');
  write(join(tree, 'special-files'), `copy\t0644\tno-such-user\t${self.split('\t')[1]}\tf\n`);
  const { status, stderr } = spawnSync('perl', [program, tree, machine.root], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /there is no user `no-such-user'/);
});
