/**
 * The nix-* commands, called as scripts call them; where C++ Nix is installed, with its output as the
 * expectation.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deleteTree } from '#store';
import { needs } from '../support/foreign.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-commands-'));
after(() => { deleteTree(scratch); });
const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

writeFileSync(join(scratch, 'default.nix'), `
{ x ? 1, name ? "d" }: rec {
  a.b = [ x "two" ./default.nix ];
  d = derivation { inherit name; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "hello"; };
  both = { recurseForDerivations = true; inherit d; other = derivation { name = "o"; system = "s"; builder = "/b"; outputs = [ "dev" "out" ]; }; };
  imported = builtins.readFile d;
  f = { y }: y;
}`);
mkdirSync(join(scratch, 'path/sub'), { recursive: true });
writeFileSync(join(scratch, 'path/sub/file.nix'), '1 + 2');

const environment = {
  PATH: process.env['PATH'], HOME: scratch, XDG_CACHE_HOME: join(scratch, 'cache'), NIX_CONF_DIR: join(scratch, 'none'),
};

function run(store: string, command: string, args: readonly string[], input = '') {
  const result = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, command, ...args], {
    cwd: scratch, input, env: { ...environment, FIRN_ROOT: join(scratch, store), NIX_PATH: `path=${scratch}/path:${scratch}` },
    encoding: 'latin1',
  });
  return { stdout: result.stdout, stderr: result.stderr, status: result.status };
}

function oracle(command: string, args: readonly string[], input = '') {
  const result = spawnSync(command, ['--store', join(scratch, 'theirs'), ...args], {
    cwd: scratch, input, env: { ...environment, NIX_PATH: `path=${scratch}/path:${scratch}` }, encoding: 'latin1',
  });
  return { stdout: result.stdout, status: result.status };
}

const sameOutput: readonly (readonly [string, readonly string[], string?])[] = [
  ['nix-instantiate', ['--eval', '-E', '1 + 1']],
  ['nix-instantiate', ['--eval', '-E', '{ a = 1; b = [ (throw "x") ]; }']],
  ['nix-instantiate', ['--eval', '--strict', '--json', '-A', 'a', '--arg', 'x', '{ z = null; }']],
  ['nix-instantiate', ['--eval', '--strict', '-A', 'a.b.1']],
  ['nix-instantiate', ['--eval', '--strict', '--xml', '--no-location', '-E', '{ a = [ 1 2.5 "x" null true (x: x) ]; }']],
  ['nix-instantiate', ['--eval', '-A', 'f', '--argstr', 'y', 'given']],
  ['nix-instantiate', ['--eval', '-E', '<path/sub/file.nix>']],
  ['nix-instantiate', ['--eval', '-I', 'other=path/sub', '-E', 'import <other/file.nix>']],
  ['nix-instantiate', ['--find-file', 'path/sub', 'default.nix']],
  ['nix-instantiate', ['--parse', '-E', 'let a = { b.c = 1; }; in a.b or (x: y: x + y)']],
  ['nix-instantiate', ['--eval', '-'], '[ 1 2 ]'],
  ['nix-instantiate', ['--eval', '<path/sub/file.nix>']],
  ['nix-instantiate', ['-A', 'both', '--argstr', 'name', 'renamed']],
  ['nix-instantiate', ['-E', '(import ./. {}).both.other.dev']],
  ['nix-instantiate', ['--eval', '-A', 'd.outPath']],
  ['nix-instantiate', ['--eval', '--strict', '-A', 'a.b.0', '-A', 'd.name', '-E', 'import ./. { }', '{ a.b = [ 5 ]; d.name = 6; }']],
  ['nix-instantiate', ['--eval', '-', '-E', '3', '4'], '2'],
  ['nix-instantiate', ['--eval', '-E', '{ x ? 1 }: x']],
  ['nix-instantiate', ['--eval', '--arg', 'unused', '2', '-E', '{ x ? 1 }: x']],
  ['nix-instantiate', ['--eval', '--arg', 'x', '1', '--argstr', 'x', 'last', '-E', '{ x }: x']],
  ['nix-instantiate', ['--eval', '--strict', '-E', 'builtins.nixPath', '-I', 'q=path', '-I', 'nowhere']],
  ['nix-instantiate', ['--find-file', '-I', 'q=path', 'q/sub', 'sub', '-I', 'path']],
  ['nix-instantiate', ['--eval', '--restrict-eval', '-E', 'builtins.readFile <path/sub/file.nix>']],
  ['nix-instantiate', ['--eval', '--pure-eval', '--strict', '-E', '[ builtins.nixPath (builtins ? currentSystem) (builtins.getEnv "HOME") ]']],
  ['nix-instantiate', ['--eval', '-Qk', '-j4', '--cores', '2', '--option', 'system', 'other', '-E', 'builtins.currentSystem']],
  ['nix-instantiate', ['--eval', '--xml', '--strict', '-A', 'a']],
  ['nix-instantiate', ['--no-gc-warning', '-A', 'd', '-A', 'both.other']],
  ['nix-instantiate', ['--add-root', 'given', '-A', 'd', '-A', 'both.other', '--argstr', 'name', 'rooted']],
  ['nix-store', ['--print-fixed-path', '--recursive', 'sha256', '0'.repeat(64), 'name']],
  ['nix-store', ['--add', 'path']],
  ['nix-store', ['--add-fixed', 'sha1', 'default.nix']],
  ['nix-store', ['--add-fixed', '--recursive', 'sha512', 'path']],
  ['nix-store', ['--dump', 'path']],
];

for (const [command, args, input] of sameOutput) {
  test(`${command} ${args.join(' ')} prints what C++ Nix prints`, needs(command), () => {
    // First theirs: they do not replace a link to what is not in their store.
    const theirs = oracle(command, args, input);
    const ours = run('ours', command, args, input);
    // Releases differ in the line end after JSON.
    assert.equal(ours.stdout.trimEnd(), theirs.stdout.trimEnd(), ours.stderr);
    assert.equal(ours.status, 0, ours.stderr);
  });
}

test('archives and files are fetched to the paths that C++ Nix gives them', needs('nix-instantiate', 'tar'), () => {
  spawnSync('tar', ['czf', 'archive.tgz', 'path'], { cwd: scratch });
  const url = `file://${scratch}/archive.tgz`;
  for (const expression of [
    `builtins.fetchTarball "${url}"`, `builtins.fetchurl "${url}"`, `(import (builtins.fetchTarball "${url}" + "/sub/file.nix"))`,
  ]) {
    const args = ['--eval', '-E', expression];
    const ours = run('ours', 'nix-instantiate', args);
    assert.equal(ours.stdout, oracle('nix-instantiate', args).stdout, ours.stderr);
  }
  assert.equal(run('ours', 'nix-instantiate', ['--eval', '-I', `n=${url}`, '-E', 'import <n/sub/file.nix>']).stdout, '3\n');
  const wrong = run('ours', 'nix-instantiate', ['--eval', '-E', `builtins.fetchurl { url = "${url}"; sha256 = "${'0'.repeat(52)}"; }`]);
  assert.match(wrong.stderr, /hash mismatch in file downloaded/);
  writeFileSync(join(scratch, 'no.tgz'), 'this is no archive');
  assert.match(run('ours', 'nix-instantiate', ['--eval', '-E', `fetchTarball "file://${scratch}/no.tgz"`]).stderr, /failed to extract/);
});

test('pure and restricted evaluation read only what they may', () => {
  const evaluate = (expression: string, ...options: string[]) => run('ours', 'nix-instantiate', ['--eval', ...options, '-E', expression]);
  const pure = evaluate('builtins.readFile /etc/hostname', '--option', 'pure-eval', 'true');
  assert.match(pure.stderr, /forbidden in pure evaluation mode/);
  assert.equal(evaluate('builtins.getEnv "HOME"', '--option', 'pure-eval', 'true').stdout, '""\n');
  const restricted = evaluate('builtins.readFile /etc/hostname', '--option', 'restrict-eval', 'true');
  assert.match(restricted.stderr, /forbidden in restricted mode/);
  assert.equal(evaluate('import <path/sub/file.nix>', '--option', 'restrict-eval', 'true').stdout, '3\n');
});

test('derivations are printed as they are found', () => {
  const heard = run('ours', 'nix-instantiate', ['-E', '{ good = (import ./. { }).d; bad = throw "too late"; }', '-A', 'good', '-A', 'bad']);
  assert.match(heard.stdout, /^\/nix\/store\/[0-9a-z]{32}-d\.drv\n$/);
  assert.match(heard.stderr, /error: too late/);
  assert.equal(heard.status, 1);
});

test('faults of arguments and names are told before anything is evaluated', () => {
  const faults: readonly (readonly [readonly string[], RegExp])[] = [
    [['--eval', '--arg', 'x', '{ a = ', '-E', 'builtins.trace "evaluated" 1'], /^error: syntax error, unexpected end of file/],
    [['--eval', '--arg', 'x', 'unheardOf', '-E', 'builtins.trace "evaluated" 1'], /^error: undefined variable 'unheardOf'/],
    [['--parse', '-E', 'x: [ x y ]'], /^error: undefined variable 'y'\n {7}at .*:1:8:/],
    [['--eval', '--pure-eval', '-E', '<path>'], /cannot look up '<path>' in pure evaluation mode/],
  ];
  for (const [args, expected] of faults) {
    const heard = run('ours', 'nix-instantiate', args);
    assert.match(heard.stderr, expected);
    assert.doesNotMatch(heard.stderr, /evaluated/);
    assert.equal(heard.stdout, '');
    assert.equal(heard.status, 1);
  }
});

test('a wrong value by --option is warned of, and not taken', () => {
  const heard = run('ours', 'nix-instantiate', ['--eval', '--option', 'restrict-eval', 'maybe', '-E', '1']);
  assert.match(heard.stderr, /^warning: .*Boolean setting 'restrict-eval' has invalid value 'maybe'/);
  assert.deepEqual([heard.stdout, heard.status], ['1\n', 0]);
});

test('an error shows the outermost frames, with --show-trace all of them', () => {
  const program = 'let f = x: { inner = g x; }; g = x: builtins.length (h x); h = x: x.missing; in builtins.trace "once" (f { }).inner';
  const brief = run('ours', 'nix-instantiate', ['--eval', '-E', program]).stderr;
  const whole = run('ours', 'nix-instantiate', ['--eval', '--show-trace', '-E', program]).stderr;
  for (const report of [brief, whole]) {
    assert.match(report, /^trace: once\nerror:\n {7}\S+ while /);
    assert.match(report, /error: attribute 'missing' missing$/m);
    assert.equal(report.match(/trace: once/g)?.length, 1);
  }
  assert.match(brief, /stack trace truncated; use '--show-trace'/);
  assert.doesNotMatch(whole, /stack trace truncated/);
  assert.match(whole, /while calling 'h'/);
});

test('Ctrl-C ends a running evaluation at once', async () => {
  const endless = 'builtins.trace "running" (let f = n: if n == 0 then 0 else f (n - 1); in map (x: f 900) (builtins.genList (x: x) 100000000))';
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning', main, 'nix-instantiate', '--eval', '--strict', '-E', endless,
  ], { cwd: scratch, env: { ...environment, FIRN_ROOT: join(scratch, 'ours') } });
  let heard = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (!heard.includes('running') && (heard + text).includes('running')) child.kill('SIGINT');
    heard += text;
  });
  const [status] = await once(child, 'exit') as [number];
  assert.equal(status, 130);
  assert.match(heard, /interrupted/);
});

test('settings: files with includes, then NIX_CONFIG, then flags; NIX_PATH before the setting', () => {
  const folder = join(scratch, 'conf');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'nix.conf'), 'system = from-file # a comment\ninclude more.conf\n!include missing.conf\n');
  writeFileSync(join(folder, 'more.conf'), 'nix-path = set=/from/file\n');
  const evaluate = (expression: string, env: Record<string, string>, ...args: string[]) => {
    const result = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'nix-instantiate',
      '--eval', '--strict', '-E', expression, ...args], {
      cwd: scratch, encoding: 'latin1', env: { ...environment, NIX_CONF_DIR: folder, FIRN_ROOT: join(scratch, 'ours'), ...env },
    });
    return result.stdout + result.stderr;
  };
  assert.equal(evaluate('builtins.currentSystem', {}), '"from-file"\n');
  assert.equal(evaluate('builtins.currentSystem', { NIX_CONFIG: 'system = inline' }), '"inline"\n');
  assert.equal(evaluate('builtins.currentSystem', { NIX_CONFIG: 'system = inline' }, '--system', 'flag'), '"flag"\n');
  const paths = 'map (entry: entry.path) builtins.nixPath';
  assert.match(evaluate(paths, {}), /^\[ "\/from\/file"/);
  assert.match(evaluate(paths, { NIX_PATH: 'set=/from/environment' }), /^\[ "\/from\/environment"/);
  assert.match(evaluate(paths, { NIX_PATH: '/env' }, '-I', 'first', '--nix-path', '/flag'), /^\[ "first" "\/flag"/);
  assert.match(evaluate('1', { NIX_CONFIG: 'include nowhere.conf' }), /error: file ".*nowhere.conf" included from "NIX_CONFIG" not found/);
  assert.match(evaluate('1', { NIX_CONFIG: 'one' }), /error: syntax error in configuration line 'one' in "NIX_CONFIG"/);
});

test('evaluation that reads a build builds it', () => {
  assert.equal(run('ours', 'nix-instantiate', ['--eval', '-A', 'imported']).stdout, '"hello"\n');
  const refused = run('fresh', 'nix-instantiate', ['--eval', '-A', 'imported', '--option', 'allow-import-from-derivation', 'false']);
  assert.match(refused.stderr, /option 'allow-import-from-derivation' is disabled/);
  assert.equal(refused.status, 1);
});

test('--eval writes nothing, --read-write-mode writes', () => {
  const list = (store: string) => run(store, 'nix-store', ['--dump-db']).stdout;
  run('eval', 'nix-instantiate', ['--eval', '-A', 'd.drvPath']);
  assert.equal(list('eval'), '');
  run('eval', 'nix-instantiate', ['--eval', '--read-write-mode', '-A', 'd.drvPath']);
  assert.match(list('eval'), /-d\.drv\n/);
});

test('nix-build links the result and keeps it from collection', () => {
  const built = run('ours', 'nix-build', ['-A', 'd', '-o', 'built']);
  assert.equal(built.status, 0, built.stderr);
  assert.equal(readlinkSync(join(scratch, 'built')), join(scratch, 'ours', built.stdout.trim()));
  assert.equal(readFileSync(join(scratch, 'built'), 'utf8'), 'hello');
  run('ours', 'nix-store', ['--gc']);
  assert.equal(readFileSync(join(scratch, 'built'), 'utf8'), 'hello');
  assert.equal(run('ours', 'nix-build', ['-A', 'd', '--no-out-link', '--dry-run']).stderr.includes('will be built'), false);
});

test('in a store that is named, the result link holds the logical path, as installers read it', () => {
  const built = run('fresh', 'nix-build', ['-A', 'd', '-o', 'named', '--store', join(scratch, 'ours')]);
  assert.equal(built.status, 0, built.stderr);
  assert.equal(readlinkSync(join(scratch, 'named')), built.stdout.trim());
  rmSync(join(scratch, 'built'));
  run('ours', 'nix-store', ['--gc']);
  assert.equal(readFileSync(join(scratch, 'ours', built.stdout.trim()), 'utf8'), 'hello');
});

test('nix-store restores what it dumps, and overwrites nothing', () => {
  const dump = run('ours', 'nix-store', ['--dump', 'path']).stdout;
  const restore = () => spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'nix-store', '--restore', 'restored'], {
    cwd: scratch, input: Buffer.from(dump, 'latin1'), env: { ...environment }, encoding: 'utf8',
  });
  assert.equal(restore().status, 0);
  assert.equal(readFileSync(join(scratch, 'restored/sub/file.nix'), 'utf8'), '1 + 2');
  assert.match(restore().stderr, /creating directory ".*\/restored": File exists/);
});

test('with use-case-hack names that differ in case only stand apart, and are one tree again', () => {
  const hack = ['--option', 'use-case-hack', 'true'];
  const tree = join(scratch, 'cased');
  mkdirSync(join(tree, 'X'), { recursive: true });
  for (const name of ['README', 'ReadMe', 'readme', 'X/y']) writeFileSync(join(tree, name), name);
  const command = (args: readonly string[], input?: Buffer) => spawnSync(
    process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { cwd: scratch, env: { ...environment }, input });
  const dump = command(['nix-store', '--dump', 'cased']).stdout;
  const restored = command(['nix-store', ...hack, '--restore', 'hacked'], dump);
  assert.equal(restored.status, 0, String(restored.stderr));
  assert.deepEqual(readdirSync(join(scratch, 'hacked')).sort(),
    ['README', 'ReadMe~nix~case~hack~1', 'X', 'readme~nix~case~hack~2']);
  assert.deepEqual(command(['nix-store', ...hack, '--dump', 'hacked']).stdout, dump);
  const hash = (words: readonly string[], path: string) => String(command(['nix-hash', ...words, '--type', 'sha256', path]).stdout);
  assert.equal(hash(hack, 'hacked'), hash([], 'cased'));
  assert.notEqual(hash([], 'hacked'), hash([], 'cased'));
  writeFileSync(join(scratch, 'hacked/readme~nix~case~hack~9'), '');
  assert.match(String(command(['nix-store', ...hack, '--dump', 'hacked']).stderr), /file name collision between/);
});

test('nix-store --restore wants a name for what it makes', () => {
  for (const [place, said] of [['', 'destination path is empty'], ['gone/.', "ends in '.', which is not a valid filename"]] as const) {
    const refused = run('ours', 'nix-store', ['--restore', place]);
    assert.ok(refused.stderr.includes(said), refused.stderr);
    assert.equal(refused.status, 1);
  }
});

test('nix-hash converts between forms', () => {
  const base16 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const base32 = '1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s';
  assert.equal(run('ours', 'nix-hash', ['--type', 'sha256', '--to-base32', base16]).stdout, `${base32}\n`);
  assert.equal(run('ours', 'nix-hash', ['--to-base16', `sha256:${base32}`]).stdout, `${base16}\n`);
});

test('a mistake in flags is said with the command that explains them', () => {
  const wrong = run('ours', 'nix-store', ['--no-such-flag']);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /nix-store --help/);
  assert.equal(run('ours', 'nix-store', ['--help']).status, 0);
});
