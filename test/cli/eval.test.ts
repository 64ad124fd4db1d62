/** `nix eval`: forms of output, selection, arguments, purity; and which commands `nix` has. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith, root } from '../support/firn.ts';

const folder = folderWith({
  'set.nix': '{ n ? 1, s ? "s" }: { inherit n s; deep."a.b" = [ 1 { c = n; } ]; f = { x ? 2 }: x; }\n',
  'home/.keep': '',
});
const env = { HOME: join(folder, 'home'), XDG_DATA_HOME: '', XDG_CACHE_HOME: '', FIRN_ROOT: join(folder, 'root') };
const drv = 'derivation { name = "d"; system = "s"; builder = "/b"; }';

function nixEval(args: readonly string[]) {
  return firn(['nix', 'eval', ...args], { cwd: folder, env });
}

const printed: readonly (readonly [args: readonly string[], stdout: string])[] = [
  [['--expr', '{ a = 1; b = [ 1 { c = 2.5; } ]; s = "x\\n"; f = x: x; n = null; }'],
    '{ a = 1; b = [ 1 { c = 2.5; } ]; f = «lambda f @ «string»:1:49»; n = null; s = "x\\n"; }\n'],
  [['--expr', '{ a = 1; b = throw "inside"; }'], '{ a = 1; b = «error: inside»; }\n'],
  [['--expr', drv], '«derivation /nix/store/yf1v969kmjv8i97b9ccj3yn3jq16dl1n-d.drv»\n'],
  [['--expr', '{ a.b = [ 1 2 ]; }', 'a.b.1'], '2\n'],
  [['--raw', '--expr', '"no newline"'], 'no newline'],
  [['--json', '--no-pretty', '--expr', '{ b = [ 9007199254740993 ]; a = { }; }'], '{"a":{},"b":[9007199254740993]}\n'],
  [['--json', '--pretty', '--expr', '{ b = [ 9007199254740993 "a,{\\"" ]; a = { }; e = [ ]; }'],
    '{\n  "a": {},\n  "b": [\n    9007199254740993,\n    "a,{\\""\n  ],\n  "e": []\n}\n'],
  [['--file', 'set.nix', 'n'], '1\n'],
  [['-f', 'set.nix', 'deep."a.b"', '--arg', 'n', '1 + 4'], '[ 1 { c = 5; } ]\n'],
  [['--file', 'set.nix', 's', '--argstr', 's', 'given', '--raw'], 'given'],
  // A function at the end of the path is not called.
  [['--file', 'set.nix', 'f', '--apply', 'f: f { }'], '2\n'],
  [['--expr', '[ 1 2 ]', '--apply', 'builtins.length'], '2\n'],
  // Pure unless said otherwise.
  [['--expr', 'builtins ? currentSystem'], 'false\n'],
  [['--impure', '--expr', 'builtins ? currentSystem'], 'true\n'],
  [['--file', 'set.nix', '--apply', '_: builtins ? currentSystem'], 'true\n'],
];

for (const [args, stdout] of printed) {
  test(`nix eval ${args.join(' ')}`, () => {
    const heard = nixEval(args);
    assert.equal(heard.stdout, stdout, heard.stderr);
    assert.equal(heard.status, 0);
  });
}

const refused: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
  [['--expr', 'throw "no"'], /error: no/],
  [['--expr', '{ ab = 1; }', 'ac'], /attribute 'ac' in selection path 'ac' not found\n.*Did you mean ab\?/],
  [['--expr', 'import ./set.nix'], /forbidden in pure eval/],
  [['--raw', '--json', '--expr', '1'], /--raw and --json are mutually exclusive/],
  [['--file', 'set.nix', '--expr', '1'], /'--file' and '--expr' are exclusive/],
  [['nixpkgs#hello'], /experimental Nix feature 'flakes' is disabled/],
  [['--raw', '--expr', '[ ]'], /while generating the eval command output/],
];

for (const [args, stderr] of refused) {
  test(`nix eval ${args.join(' ')} is refused`, () => {
    const heard = nixEval(args);
    assert.match(heard.stderr, stderr);
    assert.equal(heard.stdout, '');
    assert.equal(heard.status, 1);
  });
}

test('--write-to makes files of strings and folders of sets, never over anything', () => {
  const target = join(folder, 'written');
  const args = ['--write-to', 'written', '--expr', '{ a = "ä\\n"; d.b = "two"; }'];
  const heard = nixEval(args);
  assert.equal(heard.stdout, '', heard.stderr);
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), 'ä\n', heard.stderr);
  assert.equal(readFileSync(join(target, 'd/b'), 'utf8'), 'two');
  assert.match(nixEval(args).stderr, /exists already/);
  assert.match(nixEval(['--write-to', 'other', '--expr', '{ "../x" = ""; }']).stderr, /invalid file name '\.\.\/x'/);
  assert.equal(existsSync(join(folder, 'x')), false);
});

test('`nix` dispatches to what there is, and names what is not', () => {
  const program = join(folder, 'nix');
  symlinkSync(join(root, 'firn'), program);
  const evaluated = firn(['--extra-experimental-features', 'nix-command', 'eval', '--expr', '1 + 1'], { program, cwd: folder, env });
  assert.equal(evaluated.stdout, '2\n', evaluated.stderr);
  assert.match(firn(['--version'], { program, env }).stdout, /^nix \(Nix\) 2\./);
  assert.match(firn(['--help'], { program, env }).stdout, /nix eval/);
  const missing = firn(['build', '.#x'], { program, env });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /experimental Nix feature 'flakes' is disabled/);
  assert.match(firn(['nix', 'frobnicate'], { env }).stderr, /'frobnicate' is not a recognised command/);
});

/** Without --strict, what C++ Nix would not have evaluated is not shown. */
const suspended: readonly (readonly [expression: string, stdout: string])[] = [
  ['[ 1 (1 + 1) { a = 1; } [ ] [ 2 ] "x" ]', '[ 1 <CODE> <CODE> [ ] <CODE> "x" ]'],
  ['{ a = [ 1 ]; b = x: x; c = { }; d = builtins.add; e = ./.; f = 1.5; }',
    `{ a = <CODE>; b = <CODE>; c = <CODE>; d = <CODE>; e = ${folder}; f = 1.5; }`],
  ['let f = x: x; s = { q = 1; r = [ 3 ]; }; in { a = f; b = builtins.seq s.r s; inherit (s) r; }',
    '{ a = <CODE>; b = <CODE>; r = <CODE>; }'],
  ['let l = [ 1 [ 2 ] ]; in builtins.seq (builtins.elemAt l 1) l', '[ 1 [ 2 ] ]'],
  ['map (x: x) [ 1 2 ]', '[ <CODE> <CODE> ]'],
  ['x: x', '<LAMBDA>'],
];

test('nix-instantiate --eval shows what is not evaluated', () => {
  for (const [expression, stdout] of suspended) {
    const heard = firn(['nix-instantiate', '--eval', '--expr', expression], { cwd: folder, env });
    assert.equal(heard.stdout, `${stdout}\n`, heard.stderr);
  }
});

test('recursion without end has a place, and frames on request', () => {
  const expression = 'let f = n: 1 + f n; in f 0';
  const heard = firn(['nix-instantiate', '--eval', '--expr', expression], { cwd: folder, env });
  assert.equal(heard.status, 1);
  assert.match(heard.stderr, /error: stack overflow; max-call-depth exceeded\n\s*at «string»:1:16:/);
  assert.doesNotMatch(heard.stderr, /while calling/);
  const traced = firn(
    ['nix-instantiate', '--eval', '--show-trace', '--max-call-depth', '100', '--expr', expression], { cwd: folder, env });
  assert.match(traced.stderr, /while calling 'f'[^]*duplicate frames omitted/);
  const deep = firn(['nix-instantiate', '--eval', '--max-call-depth', '100000', '--expr',
    'let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 50000'], { cwd: folder, env });
  assert.equal(deep.stdout, '50000\n');
});

test('settings without effect are warned of, wrong ones refused', () => {
  const warned = firn(['nix-instantiate', '--eval', '--expr', '1', '--option', 'zebra', '1', '--option', 'cores', 'x'],
    { cwd: folder, env });
  assert.equal(warned.stdout, '1\n');
  assert.equal(warned.stderr, "warning: setting 'cores' has invalid value 'x'\nwarning: unknown setting 'zebra'\n");
  const refused = firn(['nix-instantiate', '--eval', '--expr', '1', '--cores', 'x'], { cwd: folder, env });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^error: setting 'cores' has invalid value 'x'/);
  const gated = firn(['nix-instantiate', '--eval', '--expr', '1', '--flake-registry', 'x'], { cwd: folder, env });
  assert.match(gated.stderr, /^error: experimental Nix feature 'flakes' is disabled/);
});

test('messages and errors take the form that --log-format names', () => {
  for (const command of [['nix-instantiate', '--eval'], ['nix', 'eval']]) {
    const shown = (format: string, expression: string) =>
      firn([...command, '--log-format', format, '--expr', expression], { cwd: folder, env });
    const failed = shown('internal-json', 'builtins.trace "seen" (throw "so")');
    assert.equal(failed.status, 1);
    const [message, error] = failed.stderr.trimEnd().split('\n').map((line) => JSON.parse(line.replace(/^@nix /, '')));
    assert.equal(message.msg, 'trace: seen');
    assert.equal(error.raw_msg, 'so');
    assert.deepEqual(shown('raw', '"quiet"'), { status: 0, stdout: '"quiet"\n', stderr: '' });
    assert.match(shown('nonsense', '1').stderr, /^error: option 'log-format' has an invalid value 'nonsense'/);
  }
});

test('calls are traced and sampled', () => {
  const expression = 'let f = x: x; in f (f 1)';
  const traced = firn(['nix-instantiate', '--eval', '--trace-function-calls', '--expr', expression], { cwd: folder, env });
  assert.deepEqual(traced.stderr.trimEnd().split('\n').map((line) => line.replace(/ \d+$/, '')), [
    'function-trace entered «string»:1:18 at', 'function-trace entered «string»:1:21 at',
    'function-trace exited «string»:1:21 at', 'function-trace exited «string»:1:18 at',
  ]);
  const file = join(folder, 'profile');
  const sampled = firn(['nix-instantiate', '--eval', '--eval-profiler', 'flamegraph', '--eval-profiler-frequency', '0',
    '--eval-profile-file', file, '--expr', `${expression} + builtins.head [ 1 ]`], { cwd: folder, env });
  assert.equal(sampled.stdout, '2\n');
  assert.equal(readFileSync(file, 'utf8'),
    '«string»:1:18:f 1\n«string»:1:18:f;«string»:1:21:f 1\n«string»:1:28:primop head 1\n');
});
