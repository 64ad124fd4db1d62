/** Flakes: lock files as C++ Nix writes them, follows and overrides, purity, and images of configurations. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, type Outcome } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';
import { gitEnvironment, scratchFolder, TestRepository, writeFiles } from './fetching.ts';

const features = ['--extra-experimental-features', 'nix-command flakes'];

interface Bench {
  readonly folder: string;
  /** `nix ARGUMENTS`, with flakes switched on. */
  nix(...args: string[]): Outcome;
  /** What `nix eval --json` prints; fails with what it says. */
  evaluate(...args: string[]): unknown;
}

function bench(): Bench {
  const folder = scratchFolder();
  const env = {
    ...gitEnvironment(folder), XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data'),
    XDG_CONFIG_HOME: join(folder, 'config'), FIRN_ROOT: join(folder, 'root'), NIX_CONF_DIR: folder,
  };
  const nix = (...args: string[]) => firn(['nix', ...args, ...features], { cwd: folder, env });
  return {
    folder, nix,
    evaluate(...args) {
      const { status, stdout, stderr } = nix('eval', '--json', ...args);
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    },
  };
}

const leaf = (value: number) => `{ outputs = _: { y = ${value}; }; }`;

test('a lock file, as C++ Nix writes it', needs('git', 'nix'), () => {
  const { folder, nix, evaluate } = bench();
  const [one, two, three] = ['one', 'two', 'three'].map((name) => new TestRepository(join(folder, name)));
  writeFiles(folder, { 'plain/file': 'x' });
  two!.commit({ 'flake.nix': leaf(41) });
  three!.commit({ 'flake.nix': `{ inputs.two.url = "git+file://${two!.folder}?ref=main"; outputs = { self, two }: { z = two.y; }; }` });
  one!.commit({ 'flake.nix': `{
    description = "one";
    inputs.two.url = "git+file://${two!.folder}?ref=main";
    inputs.three = { url = "git+file://${three!.folder}?ref=main"; inputs.two.follows = "two"; };
    inputs.four.url = "git+file://${three!.folder}?ref=main";
    inputs.plain = { url = "path:${folder}/plain"; flake = false; };
    outputs = { self, two, three, four, plain }: {
      all = {
        sum = two.y + three.z + four.z;
        info = { inherit (two.sourceInfo) rev shortRev revCount lastModifiedDate narHash; };
        path = "\${plain}"; text = builtins.readFile (plain + "/file");
      };
    };
  }` });
  const outcome = nix('flake', 'lock', one!.folder);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stderr, /creating lock file ".*one\/flake\.lock"/);
  const file = join(one!.folder, 'flake.lock');
  const ours = readFileSync(file, 'utf8');
  rmSync(file);
  const theirs = (...args: string[]) => execFileSync('nix', [...args, ...features, '--store', join(folder, 'oracle')], {
    env: gitEnvironment(folder), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
  });
  theirs('flake', 'lock', one!.folder);
  assert.equal(ours, readFileSync(file, 'utf8'));
  assert.deepEqual(evaluate(`${one!.folder}#all`), JSON.parse(theirs('eval', '--json', `${one!.folder}#all`)));
});

test('locks are kept, renewed, overridden, and never written without leave', needs('git'), () => {
  const { folder, nix, evaluate } = bench();
  const input = new TestRepository(join(folder, 'input'));
  const first = input.commit({ 'flake.nix': leaf(1) });
  writeFiles(folder, {
    'top/flake.nix': `{ inputs.a.url = "git+file://${folder}/input?ref=main"; outputs = { self, a }: { inherit (a) y rev; }; }`,
    'other/flake.nix': leaf(9),
  });
  const top = join(folder, 'top');
  const lockFile = join(top, 'flake.lock');
  assert.match(nix('eval', `${top}#y`, '--no-update-lock-file').stderr, /requires lock file changes but they're not allowed/);
  assert.equal(evaluate(`${top}#y`, '--no-write-lock-file'), 1);
  assert.equal(existsSync(lockFile), false);
  assert.equal(evaluate(`${top}#rev`), first);
  const second = input.commit({ 'flake.nix': leaf(2) });
  assert.equal(evaluate(`${top}#rev`), first, 'kept');
  assert.equal(evaluate(`path:${top}#y`, '--override-input', 'a', `path:${folder}/other`), 9);
  assert.equal((JSON.parse(readFileSync(lockFile, 'utf8')) as { nodes: { a: { locked: { rev: string } } } }).nodes.a.locked.rev, first);
  const update = nix('flake', 'update', '--flake', top);
  assert.match(update.stderr, /Updated input 'a':/);
  assert.equal(evaluate(`${top}#rev`), second);
  const metadata = JSON.parse(nix('flake', 'metadata', '--json', top).stdout) as { locks: { nodes: object }; url: string };
  assert.deepEqual(Object.keys(metadata.locks.nodes).sort(), ['a', 'root']);
  assert.match(nix('flake', 'show', top).stdout, /├───rev: unknown\n└───y: unknown/);
  assert.match(nix('eval', `${top}#nothing`).stderr, /does not provide attribute 'packages\..*\.nothing', .* or 'nothing'/);
});

test('what is not locked is no pure value', needs('git'), () => {
  const { folder, nix, evaluate } = bench();
  const input = new TestRepository(join(folder, 'input'));
  const rev = input.commit({ 'flake.nix': leaf(3), 'sub/flake.nix': '{ outputs = { self }: { up = (builtins.getFlake ./..).y; }; }' });
  const get = (reference: string) => `(builtins.getFlake "${reference}").y`;
  assert.equal(evaluate('--expr', get(`git+file://${input.folder}?rev=${rev}`)), 3);
  assert.equal(evaluate('--impure', '--expr', get(input.folder)), 3);
  assert.match(nix('eval', '--expr', get(`git+file://${input.folder}`)).stderr, /cannot call 'getFlake' on unlocked flake reference/);
  assert.equal(evaluate(`${input.folder}?dir=sub#up`), 3);
  assert.match(nix('eval', `${input.folder}#y`, '--option', 'experimental-features', '').stderr + firn(['nix', 'eval', input.folder]).stderr,
    /experimental Nix feature 'flakes' is disabled/);
});

test('images of configurations in a flake', () => {
  const { folder } = bench();
  writeFiles(folder, { 'host/flake.nix': `{
    outputs = _: let made = name: derivation { inherit name; system = "x"; builder = "/b"; }; in {
      nixosConfigurations.image = { options.isoImage = { }; config.system.build.isoImage = made "own"; };
      nixosConfigurations.plain = {
        options = { }; config = { }; pkgs.path = /p;
        extendModules = { modules }: { config.system.build.isoImage = made (baseNameOf (builtins.head modules)); };
      };
      other = made "other";
    };
  }` });
  const build = (name: string) => firn(['build', '--dry-run', `${folder}/host#${name}`], {
    env: { ...gitEnvironment(folder), XDG_CACHE_HOME: join(folder, 'cache'), FIRN_ROOT: join(folder, 'root') },
  });
  assert.match(build('nixosConfigurations.image').stdout, /-own\.drv\n$/);
  assert.match(build('plain').stdout, /-installation-cd-minimal\.nix\.drv\n$/);
  assert.match(build('nothing').stderr, /does not provide attribute 'nixosConfigurations\.nothing'/);
});
