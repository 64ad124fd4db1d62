/** The new-style commands on store paths, derivations, NARs and hashes, as scripts use them. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { cacheDirectory, evaluationStore } from '#host';
import { LocalStore } from '#store';
import { followToStorePath } from '../../src/cli/nix/store-command.ts';
import { firn, folderWith } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';

const folder = folderWith({ 'tree/b': 'bb', 'tree/a/x': '#!/bin/sh\n', 'text': 'hello\n' });
const env = { FIRN_ROOT: join(folder, 'root'), HOME: join(folder, 'home'), NIX_CONFIG: '' };

function nix(...args: string[]): string {
  const { status, stdout, stderr } = firn(['nix', ...args], { cwd: folder, env });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd();
}

function fails(...args: string[]): string {
  const { status, stdout, stderr } = firn(['nix', ...args], { cwd: folder, env });
  assert.equal(status, 1, stdout + stderr);
  return stderr;
}

const expression = `let b = derivation { name = "base-1.0"; system = "x"; builder = "b"; };
  in derivation { name = "top"; system = "x"; builder = "b"; args = [ b ]; outputs = [ "out" "dev" ]; }`;

test('store paths are added, described and found', () => {
  const text = nix('store', 'add', './text', '--mode', 'flat');
  assert.equal(nix('store', 'add-file', './text'), text);
  assert.match(nix('store', 'add', './text', '-n', 'other', '--dry-run'), /-other$/);
  const [hashPart = ''] = text.slice('/nix/store/'.length).split('-');
  assert.equal(nix('store', 'path-from-hash-part', hashPart), text);
  assert.match(fails('store', 'path-from-hash-part', '0'.repeat(32)), /no store path corresponding/);
  assert.match(nix('path-info', '-sS', text), new RegExp(`^${text}\\t +120\\t +120$`));
  assert.match(nix('path-info', '-sh', text), /\t +0\.1 KiB$/);
  const sha256 = createHash('sha256').update('hello\n').digest('base64');
  const described = (version: string) => JSON.parse(nix('path-info', '--json', '--json-format', version, text)) as Record<string, any>;
  assert.equal(described('1')[text].ca.startsWith('fixed:sha256:'), true);
  const second = described('2');
  assert.deepEqual([second['version'], second['storeDir'], Object.keys(second['info'])], [2, '/nix/store', [text.slice(11)]]);
  assert.deepEqual(second['info'][text.slice(11)].ca, { method: 'flat', hash: `sha256-${sha256}` });
  assert.match(fails('path-info', text.replace(hashPart, '1'.repeat(32))), /is not valid/);
});

test('what is added with --scan refers to the paths that stand in it', () => {
  const text = nix('store', 'add', './text');
  mkdirSync(join(folder, 'naming/sub'), { recursive: true });
  writeFileSync(join(folder, 'naming/sub/file'), `see ${text}, not /nix/store/${'0'.repeat(32)}-none`);
  const scanned = nix('store', 'add', '--scan', './naming');
  assert.deepEqual(JSON.parse(nix('path-info', '--json', '--json-format', '1', scanned))[scanned].references, [text]);
  const plain = nix('store', 'add', './naming');
  assert.notEqual(plain, scanned);
  assert.deepEqual(JSON.parse(nix('path-info', '--json', '--json-format', '1', plain))[plain].references, []);
  assert.match(fails('store', 'add', '--scan', '--dry-run', './naming'), /Cannot dry-run while scanning/);
});

test('links in a folder that builds below the store, being no store path, are followed', () => {
  const storeDirectory = join(folder, 'building');
  const store = new LocalStore({ root: folder, storeDirectory, physicalStoreDirectory: storeDirectory });
  try {
    const kept = store.addTextToStore('kept', 'text', []);
    const place = join(storeDirectory, `${'0'.repeat(32)}-building`);
    mkdirSync(place);
    symlinkSync(kept, join(place, 'result'));
    assert.equal(followToStorePath({ store, context: { cwd: place } }, './result'), kept);
    assert.equal(followToStorePath({ store, context: { cwd: place } }, './other'), place);
    assert.equal(followToStorePath({ store, context: { cwd: '/' } }, `${kept}/below`), kept);
  } finally {
    store.close();
  }
});

test('a builder that is a client evaluates in a place of its own; its home never comes to be', () => {
  const builder = { HOME: '/homeless-shelter', TMPDIR: folder };
  const { root } = evaluationStore(builder);
  assert.equal(dirname(root), folder);
  assert.equal(evaluationStore(builder).root, root);
  assert.equal(dirname(cacheDirectory(builder)), folder);
  assert.equal(existsSync('/homeless-shelter'), false);
});

test('trees are listed and printed, in the store and in a NAR', () => {
  const tree = nix('store', 'add', './tree');
  writeFileSync(join(folder, 'tree.nar'), firn(['nix', 'nar', 'pack', './tree'], { cwd: folder, env }).stdout, 'latin1');
  assert.equal(nix('store', 'ls', '-R', tree), './a\n./a/x\n./b');
  assert.equal(nix('nar', 'ls', '-R', 'tree.nar', ''), './a\n./a/x\n./b');
  assert.equal(nix('store', 'ls', '-l', `${tree}/b`), `-r--r--r-- ${'2'.padStart(20)} b`);
  assert.deepEqual(JSON.parse(nix('store', 'ls', '--json', tree)), { type: 'directory', entries: { a: {}, b: {} } });
  const inNar = JSON.parse(nix('nar', 'ls', '--json', '-R', 'tree.nar', '/b')) as Record<string, number>;
  assert.equal(readFileSync(join(folder, 'tree.nar')).toString('latin1', inNar['narOffset'], inNar['narOffset']! + 2), 'bb');
  assert.equal(nix('store', 'cat', `${tree}/b`), 'bb');
  assert.equal(nix('nar', 'cat', 'tree.nar', '/a/x'), '#!/bin/sh');
  assert.match(fails('nar', 'cat', 'tree.nar', '/a'), /NAR does not contain regular file '\/a'/);
  assert.match(fails('store', 'cat', `${tree}/a`), /is not a regular file/);
  assert.match(fails('store', 'ls', `${tree}/c`), /does not exist/);
});

test('hashes are made and converted', () => {
  const hex = createHash('sha256').update('hello\n').digest('hex');
  const sri = nix('hash', 'file', 'text');
  assert.equal(nix('hash', 'convert', '--to', 'base16', sri), hex);
  assert.equal(nix('hash', 'convert', '--hash-algo', 'sha256', hex), sri);
  assert.equal(nix('hash', 'path', '--format', 'base16', '--mode', 'flat', 'text'), hex);
  assert.match(fails('hash', 'convert', '--from', 'base16', sri), /has format 'sri', but '--from base16' was specified/);
});

test('derivations are shown as JSON, and read again', () => {
  const shown = nix('derivation', 'show', '--impure', '--expr', expression);
  const { version, derivations } = JSON.parse(shown) as { version: number; derivations: Record<string, any> };
  assert.equal(version, 4);
  const [[base, derivation] = ['', {}]] = Object.entries(derivations);
  assert.deepEqual(Object.keys(derivation.outputs), ['dev', 'out']);
  assert.equal(Object.values<any>(derivation.inputs.drvs)[0].outputs[0], 'out');
  const add = (json: object) => firn(['nix', 'derivation', 'add'], { cwd: folder, env, input: JSON.stringify(json) });
  assert.equal(add(derivation).stdout, `/nix/store/${base}\n`);
  assert.equal(add({ ...derivation, outputs: { dev: {}, out: {} } }).stdout, `/nix/store/${base}\n`);
  assert.match(add({ ...derivation, name: 'renamed' }).stderr, /has incorrect output/);
  const known = JSON.parse(nix('build', '--dry-run', '--json', `/nix/store/${base}^dev`)) as unknown;
  assert.deepEqual(known, [{ drvPath: `/nix/store/${base}`, outputs: { dev: `/nix/store/${derivation.outputs.dev.path}` } }]);
  const inner = `/nix/store/${Object.keys(derivation.inputs.drvs)[0]}`;
  assert.equal(nix('why-depends', '--derivation', `/nix/store/${base}`, inner), `/nix/store/${base}\n└───${inner}`);
});

test('paths are signed, verified and deleted', () => {
  writeFileSync(join(folder, 'key'), nix('key', 'generate-secret', '--key-name', 'test-1'));
  const key = firn(['nix', 'key', 'convert-secret-to-public'], { env, input: readFileSync(join(folder, 'key'), 'utf8') }).stdout;
  writeFileSync(join(folder, 'signed'), 'to be signed');
  const path = nix('store', 'add', './signed');
  const verify = (...args: string[]) => firn(['nix', 'store', 'verify', ...args, path], { env }).status;
  assert.equal(verify(), 0);
  nix('store', 'sign', '--key-file', 'key', path);
  assert.match(nix('path-info', '--sigs', path), /test-1:/);
  assert.equal(verify('--trusted-public-keys', key), 0);
  symlinkSync(path, join(folder, 'link'));
  mkdirSync(join(env.FIRN_ROOT, 'nix/var/nix/gcroots'), { recursive: true });
  symlinkSync(path, join(env.FIRN_ROOT, 'nix/var/nix/gcroots/kept'));
  assert.match(fails('store', 'delete', path), /still alive/);
  assert.match(nix('store', 'delete', '--skip-alive', path), /^0 store paths deleted/);
  assert.match(nix('store', 'delete', '--ignore-liveness', path), /1 store paths deleted/);
});

test('what there is not is said, with what is near', () => {
  assert.match(fails('stor', 'add'), /'stor' is not a recognised command/);
  assert.match(fails('store', 'ad'), /did you mean 'nix store add'/);
  assert.match(fails('hash'), /requires a sub-command/);
  assert.equal(nix('--extra-experimental-features', 'nix-command', '--option', 'cores', '3', 'config', 'show', 'cores'), '3');
});

test('graphs are in C++ Nix\'s order and colours', () => {
  const top = nix('eval', '--raw', '--expr', `(${expression}).drvPath`);
  const { stdout } = firn(['nix-store', '--query', '--graph', top], { cwd: folder, env });
  const [base] = nix('derivation', 'show', '--expr', expression).match(/[a-z0-9]{32}-base-1\.0\.drv/) as [string];
  const own = top.slice('/nix/store/'.length);
  const node = (id: string) => `"${id}" [label = "${id.slice(33)}", shape = box, style = filled, fillcolor = "#ff0000"];`;
  assert.equal(stdout, `digraph G {\n${node(own)}\n"${base}" -> "${own}" [color = "black"];\n${node(base)}\n}\n`);
});

test('what a build begins with, and what is wrong with a request, in C++ Nix\'s words', () => {
  const top = nix('eval', '--raw', '--expr', `(${expression}).drvPath`);
  const base = nix('eval', '--raw', '--expr', '(derivation { name = "base-1.0"; system = "x"; builder = "b"; }).drvPath');
  const said = (...args: string[]) => firn(args, { cwd: folder, env }).stderr;
  const failed = said('nix-build', '--no-out-link', top);
  assert.equal(failed.split('\nbuilding ')[0], `these 2 derivations will be built:\n  ${base}\n  ${top}`);
  assert.match(failed, new RegExp(`error: Cannot build '${base}'\\.\nReason: [^]*error: Cannot build '${top}'\\.\nReason: 1 dependency failed`));
  assert.match(said('nix-build', '--no-out-link', '-j0', base), /Reason: local builds are disabled \(max-jobs = 0\)\./);
  assert.equal(said('nix-build', `${top}!none`), `error: derivation '${top}' does not have output 'none'\n`);
  assert.equal(said('nix-build', `${top}!out,dev`),
    `error: building more than one derivation output is not supported, in '${top}!out,dev'\n`);
  assert.match(said('nix-env', '--nonesuch'), /^error: no operation specified\n/);
  assert.match(said('nix-env', '-q', '--nonesuch'), /^error: unknown flag '--nonesuch'\n/);
  assert.equal(said('nix-build', '--nonesuch'), "error: unrecognised flag '--nonesuch'\nTry 'nix-build --help' for more information.\n");
  assert.match(said('nix-build', '--argstr', 'x'), /^error: flag '--argstr' requires 2 argument\(s\), but only 1 were given\n/);
});

test('roots of what is realised are numbered by operand and named by output', needs('bwrap', 'busybox'), () => {
  const two = nix('eval', '--impure', '--raw', '--expr', `(derivation {
    name = "two"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out; echo 2 > $dev" ];
    outputs = [ "out" "dev" ];
  }).drvPath`);
  const text = nix('store', 'add', './text', '--mode', 'flat');
  const { stdout, stderr } = firn(['nix-store', '--realise', two, text, `${two}!dev`, '--add-root', 'kept'], { cwd: folder, env });
  assert.equal(stdout, ['', '-dev', '-2', '-3-dev'].map((end) => `${join(folder, 'kept')}${end}\n`).join(''), stderr);
});
