/** Each builtin builder that makes files and trees: what it is given, and what then stands there. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { freshBuilds, type Builds, type Made } from './derivations.ts';

let builds: Builds;
let count = 0;
before(() => { builds = freshBuilds(); });
after(() => builds.close());

/** A tree as `path: content`, links as `path -> target`, programs with a star, empty folders with a slash. */
function show(path: string, below = ''): string[] {
  return readdirSync(path, 'latin1').sort().flatMap((name) => {
    const child = join(path, name);
    const shown = below + name;
    const status = lstatSync(child);
    if (status.isSymbolicLink()) return [`${shown} -> ${readlinkSync(child)}`];
    if (status.isDirectory()) return readdirSync(child).length === 0 ? [`${shown}/`] : show(child, `${shown}/`);
    return [`${shown}${(status.mode & 0o111) === 0 ? '' : '*'}: ${readFileSync(child, 'latin1')}`];
  });
}

type Entry = Record<string, unknown>;
const file = (path: string, text: string, mode = '0644'): Entry => ({ path, type: 'file', text, mode });
const link = (path: string, target: string): Entry => ({ path, type: 'link', target });

function tree(entries: readonly Entry[], inputs: readonly Made[] = [], name = `tree${count++}`): Made {
  return builds.add(name, 'builtin:write-tree', { entries }, inputs);
}

async function built(made: Made): Promise<string> {
  return (await builds.realise([made]))[0] as string;
}

const shown = async (made: Made): Promise<string[]> => show(await built(made));

function merge(trees: readonly Made[], more: Record<string, unknown> = {}, builder = 'builtin:merge-trees'): Made {
  return builds.add(`merged${count++}`, builder, { trees: trees.map(({ out }) => out), ...more }, trees);
}

test('write-file: text, bytes kept, executable or not; references are found', async () => {
  const one = builds.add('one', 'builtin:write-file', { text: 'h\xc3\xa9llo\n', executable: false });
  const path = await built(one);
  assert.deepEqual(readFileSync(path), Buffer.from('héllo\n'));
  assert.equal(lstatSync(path).mode & 0o777, 0o444);
  const two = builds.add('two', 'builtin:write-file', { text: `${one.out}/bin`, executable: true }, [one]);
  assert.equal(lstatSync(await built(two)).mode & 0o777, 0o555);
  assert.deepEqual(builds.store.queryPathInfo(two.out)?.references, [one.out]);
});

test('write-tree: files, folders, links, sources', async () => {
  const source = tree([file('a', '1', '0755'), file('sub/b', '2')]);
  assert.deepEqual(await shown(source), ['a*: 1', 'sub/b: 2']);
  const whole = tree([
    { path: 'copy', type: 'file', source: source.out },
    { path: 'one', type: 'file', source: `${source.out}/a`, mode: '0644' },
    { path: 'empty', type: 'directory' },
    link('to', '../x y'),
  ], [source]);
  assert.deepEqual(await shown(whole), ['copy/a*: 1', 'copy/sub/b: 2', 'empty/', 'one: 1', 'to -> ../x y']);
  assert.deepEqual(await shown(tree([])), []);
});

test('write-tree: links that leave the source are followed within its store path', async () => {
  const source = tree([file('b/x', '1'), link('c/y', '../b/x'), link('a/y', '../c/y'), link('a/own', 'z'), file('a/z', '2'), link('bad/out', '../../other')]);
  const followed = (path: string): Made => tree([{ path: 'a', type: 'file', source: `${source.out}/${path}`, followLinks: true }], [source]);
  assert.deepEqual(await shown(followed('a')), ['a/own -> z', 'a/y: 1', 'a/z: 2']);
  await assert.rejects(built(followed('bad')), { message: /outside its store path/ });
  await assert.rejects(built(followed('nowhere')), { message: /needs a source that exists.*nowhere/ });
});

test('write-tree: paths that cannot be', async () => {
  const cases: [Entry[], RegExp][] = [
    [[file('../x', '')], /cannot stand in a tree/],
    [[file('a//b', '')], /cannot stand in a tree/],
    [[file('a', '1'), file('a', '2')], /given twice/],
    [[file('a', '1'), file('a/b', '2')], /both as a folder and otherwise/],
    [[link('a', '/tmp'), file('a/b', '2')], /both as a folder and otherwise/],
    [[{ path: 'a', type: 'pipe' }], /needs file, directory or link as type/],
    [[{ type: 'file' }], /needs a string as path/],
  ];
  for (const [entries, message] of cases) await assert.rejects(built(tree(entries)), { message });
});

test('merge-trees: one tree in Debian\'s layout', async () => {
  const debian = tree([file('usr/bin/tool', 't', '0755'), file('usr/share/doc/tool/copyright', 'c'), file('etc/x', '1'), link('bin', 'usr/bin')]);
  const script = tree([file('bin/script', 's', '0755'), file('lib/udev/rules', 'r')]);
  assert.deepEqual(await shown(merge([debian, script], { exclude: ['usr/share/doc'] })), [
    'bin -> usr/bin', 'etc/x: 1', 'lib -> usr/lib', 'share -> usr/share', 'usr/bin/script*: s', 'usr/bin/tool*: t',
    'usr/lib/udev/rules: r', 'usr/share/',
  ]);
});

test('merge-trees: the same file twice is one, different ones clash unless one is preferred', async () => {
  const first = tree([file('etc/same', '1'), file('etc/x', 'first')]);
  const second = tree([file('etc/same', '1'), file('etc/x', 'second')]);
  const clash = merge([first, second]);
  await assert.rejects(built(clash), {
    message: new RegExp(`different files at etc/x: ${first.out} and ${second.out}`),
    hint: /prefer/,
  });
  for (const prefer of [first, second]) {
    const lines = await shown(merge([first, second], { prefer: [prefer.out] }));
    assert.deepEqual(lines, ['etc/same: 1', `etc/x: ${prefer === first ? 'first' : 'second'}`]);
  }
  const folder = tree([file('etc/x/below', '')]);
  await assert.rejects(built(merge([first, folder])), { message: /different files at etc\/x/ });
  assert.deepEqual(await shown(merge([first, second], { exclude: ['**/x'] })), ['etc/same: 1']);
});

test('link-trees: links into the trees, collisions, parts', async () => {
  const first = tree([file('bin/a', '1', '0755'), file('share/man/a.1', 'm'), file('same', '=')]);
  const second = tree([link('bin/b', 'a'), file('same', '=')]);
  const links = 'builtin:link-trees';
  assert.deepEqual(await shown(merge([first, second], {}, links)), [
    `bin/a -> ${first.out}/bin/a`, `bin/b -> ${second.out}/bin/b`, `same -> ${first.out}/same`, `share/man/a.1 -> ${first.out}/share/man/a.1`,
  ]);
  assert.deepEqual(await shown(merge([first, second], { pathsToLink: ['/bin'] }, links)), [
    `bin/a -> ${first.out}/bin/a`, `bin/b -> ${second.out}/bin/b`,
  ]);
  const other = tree([file('same', 'other')]);
  await assert.rejects(built(merge([first, other], {}, links)), { message: /different files at same/ });
  const kept = await shown(merge([first, other], { ignoreCollisions: true, pathsToLink: ['/same'] }, links));
  assert.deepEqual(kept, [`same -> ${first.out}/same`]);
  const debian = tree([file('usr/bin/c', '1')]);
  assert.deepEqual(await shown(merge([first, debian], { pathsToLink: ['/bin'] }, links)), [
    'bin -> usr/bin', `usr/bin/a -> ${first.out}/bin/a`, `usr/bin/c -> ${debian.out}/usr/bin/c`,
  ]);
});

test('concat-files: header, separators', async () => {
  const parts = ['1', '2', '3'].map((text) => builds.add(`part${text}`, 'builtin:write-file', { text }));
  const all = builds.add('all', 'builtin:concat-files', { files: parts.map(({ out }) => out), header: '#\n', separator: ',', executable: true }, parts);
  const path = await built(all);
  assert.equal(readFileSync(path, 'utf8'), '#\n1,2,3');
  assert.equal(lstatSync(path).mode & 0o111, 0o111);
});

test('concat-files: the files of a folder in bytewise order, chosen by suffix and pattern', async () => {
  const folder = tree([file('b.crt', 'b'), file('a/z.crt', 'z'), file('B.crt', 'B'), file('a/no.txt', 'n'), file('a/bad.crt', 'x'), link('l.crt', 'b.crt')]);
  const all = builds.add('chosen', 'builtin:concat-files', { files: [`${folder.out}`], suffix: '.crt', exclude: ['**/bad*'], separator: ' ' }, [folder]);
  assert.equal(readFileSync(await built(all), 'utf8'), 'B z b');
});

test('closure-info: what nix-store --load-db takes', needs('nix-store'), async () => {
  const low = builds.add('low', 'builtin:write-file', { text: 'low' });
  const high = builds.add('high', 'builtin:write-file', { text: low.out }, [low]);
  const info = builds.add('info', 'builtin:closure-info', { rootPaths: [high.out] }, [high]);
  const path = await built(info);
  assert.deepEqual(readFileSync(join(path, 'store-paths'), 'utf8').split('\n'), [...[low.out, high.out].sort(), '']);
  assert.deepEqual(builds.store.queryPathInfo(info.out)?.references, [low.out, high.out].sort());
  const root = mkdtempSync(join(tmpdir(), 'firn-load-'));
  try {
    const nix = (args: string[], input?: Buffer): string =>
      execFileSync('nix-store', ['--store', `local?root=${root}`, ...args], { encoding: 'utf8', ...(input ? { input } : {}) });
    nix(['--load-db'], readFileSync(join(path, 'registration')));
    assert.deepEqual(nix(['--query', '--requisites', high.out]).trim().split('\n').sort(), [low.out, high.out].sort());
    const [hash] = nix(['--query', '--hash', high.out]).trim().split('\n');
    assert.ok(hash?.startsWith('sha256:'));
  } finally {
    rmSync(root, { recursive: true });
  }
});
