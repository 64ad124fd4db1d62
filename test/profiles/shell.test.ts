/** `nix-shell`: the environment that a command sees, and scripts that name their packages. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { interpreterCommand, shellWords } from '../../src/cli/nix/shell-words.ts';
import { needs } from '../support/foreign.ts';
import { Bench } from './bench.ts';

const bench = new Bench();
const privately = new Bench({ root: true });
after(() => {
  bench.remove();
  privately.remove();
});
const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

const files = {
  'shell.nix': `
    { inNixShell ? false, word ? "word", ... }: let
      writeFile = name: text: derivation {
        inherit name text; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; executable = true;
      };
      setup = derivation {
        name = "stdenv"; system = "builtin"; builder = "builtin:write-tree"; __structuredAttrs = true;
        entries = [ { path = "setup"; type = "file"; mode = "0644"; text = ''
          runHook() { eval "''\${!1}"; }
          export PATH=/usr/bin:/bin FROM_SETUP=setup
        ''; } ];
      };
      base = { system = "x86_64-linux"; builder = "/bin/sh"; stdenv = setup; };
    in {
      env = derivation (base // {
        name = "env"; inherit inNixShell word; big = "in a file"; passAsFile = [ "big" ]; input = writeFile "input" "from the store";
        shellHook = "echo hook of $FROM_SETUP";
      });
      structured = derivation (base // {
        name = "structured"; __structuredAttrs = true; list = [ "a" "b c" ]; set = { k = "v"; }; outputs = [ "out" "dev" ];
      });
      runCommand = name: attrs: command: derivation (base // attrs // { inherit name; });
      pkgs.runCommand = name: attrs: command: derivation (base // attrs // { inherit name; });
      tool = writeFile "tool" "a tool";
      bashInteractive = throw "there is none here";
    }`,
};
for (const one of [bench, privately]) one.files(files);

function shell(args: readonly string[], options: { on?: Bench; env?: Record<string, string | undefined>; cwd?: string } = {}) {
  const { on = bench, env = {}, cwd = on.folder } = options;
  const { status, stdout, stderr } = spawnSync(
    process.execPath, ['--disable-warning=ExperimentalWarning', main, 'nix-shell', ...args],
    { cwd, env: { ...on.environment, NIX_BUILD_SHELL: 'bash', ...env }, encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}

test('a command sees variables, files and setup of the derivation, and its status is told', needs('bash'), () => {
  const command = 'echo $word $inNixShell $IN_NIX_SHELL $(cat $bigPath) - $(cat $input) - $KEPT $MINE; '
    + '[ "$NIX_BUILD_TOP" = "$TMPDIR" ] && [ -d "$TMPDIR" ] && exit 3';
  const mine = { KEPT: 'kept', MINE: 'mine' };
  const impure = shell(['-A', 'env', '--run', command], { env: mine });
  assert.equal(impure.stdout, 'hook of setup\nword 1 impure in a file - from the store - kept mine\n', impure.stderr);
  assert.equal(impure.status, 3);
  const pure = shell(['-A', 'env', '--pure', '--keep', 'KEPT', '--argstr', 'word', 'other', '--command', command], { env: mine });
  assert.equal(pure.stdout, 'hook of setup\nother 1 pure in a file - from the store - kept\n', pure.stderr);
  assert.deepEqual(readdirSync(bench.folder).filter((name) => name.startsWith('nix-shell.')), []);
});

test('structured attributes are declared, and stand in files', needs('bash'), () => {
  const said = shell(['-A', 'structured', '--run',
    'echo "${list[1]}" "${set[k]}" "${outputs[dev]##*-}"; . $NIX_ATTRS_SH_FILE; grep -c b.c $NIX_ATTRS_JSON_FILE']);
  assert.equal(said.stdout, 'b c v dev\n1\n', said.stderr);
});

test('packages by name make an environment; without bash in nixpkgs the own one serves', needs('bash'), () => {
  bench.files({ 'nixpkgs.nix': 'args: let all = import ./shell.nix args; in all // { pkgs = all; }' });
  const found = shell(['-p', 'tool', '--run', 'cat $buildInputs'], {
    env: { NIX_PATH: `nixpkgs=${bench.folder}/nixpkgs.nix`, NIX_BUILD_SHELL: undefined } });
  assert.equal(found.stdout, 'a tool', found.stderr);
  assert.match(found.stderr, /there is none here[\s\S]*uses bash from your environment/);
});

test('scripts run with what their first lines ask for', needs('bash'), () => {
  bench.files({
    'scripts/say hello': '#! /usr/bin/env nix-shell\n#! nix-shell -A env --argstr word "two words" -i bash\n'
      + 'echo "$word" "$@" $(basename "$0")\n',
    'scripts/shell.nix': 'import ../shell.nix',
  });
  chmodSync(join(bench.folder, 'scripts/say hello'), 0o755);
  const said = shell([join(bench.folder, 'scripts/say hello'), 'a b', "c'd"], { cwd: join(bench.folder, 'home') });
  assert.equal(said.stdout, "hook of setup\ntwo words a b c'd say hello\n", said.stderr);
});

test('a folder without an expression is told, and so are several derivations', () => {
  assert.match(shell([], { cwd: join(bench.folder, 'home') }).stderr, /no argument specified and no 'shell\.nix' or 'default\.nix'/);
  assert.match(shell([join(bench.folder, 'home')]).stderr, /neither 'shell\.nix' nor 'default\.nix' found in/);
  assert.match(shell(['-p', '-E', 'x']).stderr, /mutually exclusive/);
  assert.match(shell(['-A', 'env', '-A', 'structured']).stderr, /requires a single derivation/);
});

test('the paths of a store below a root of its own can be used in its shells', needs('bwrap', 'bash'), () => {
  const possible = spawnSync('bwrap', ['--dev-bind', '/', '/', 'true']).status === 0;
  const said = shell(['-A', 'env', '--run', 'cat $input; exit 4'], { on: privately });
  if (!possible) return assert.notEqual(said.status, 0);
  assert.equal(said.stdout, 'hook of setup\nfrom the store', said.stderr);
  assert.equal(said.status, 4);
});

const words: readonly (readonly [text: string, words: string[]])[] = [
  ['-i  bash -p a', ['-i', 'bash', '-p', 'a']], [`-p "a b" 'c "d'`, ['-p', 'a b', 'c "d']], ['a\\ b "c\\"d"', ['a b', 'c"d']],
  [`''  ""x`, ['', 'x']], [`a'b'"c"`, ['abc']], [`'a\\b'`, ['a\\b']],
];
test('lines of scripts are split as a shell does it', () => {
  for (const [text, expected] of words) assert.deepEqual(shellWords(text), expected, text);
  assert.throws(() => shellWords('"open'), /unterminated quote/);
  assert.equal(interpreterCommand('python3', "it's", ['x']), `exec python3 'it'\\''s' 'x'`);
  assert.equal(interpreterCommand('perl', 's', []), "exec -a PERL perl 's'");
  assert.equal(interpreterCommand('ruby', 's', []), "exec ruby -e 'load(ARGV.shift)' -- 's'");
});
