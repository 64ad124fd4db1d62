/**
 * Firn's commands as operations that are killed: what a user types, each in a process of its own.
 * A unit is several of them; killing takes the whole group, so that nobody goes on with the next.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findGenerations } from '#store';
import { needs } from '../support/foreign.ts';
import { checkProfile, profileOf, type Operation, type Workplace } from './operations.ts';

/** These are tried when more kills are asked for than the few of every day. */
const skip = process.env['FIRN_TEST_KILLS'] === undefined && process.env['FIRN_TEST_KILL_OPERATION'] === undefined
  ? 'FIRN_TEST_KILLS is not set' : false;

export const commandOperations: Readonly<Record<string, Operation>> = {
  'commands: building with builtin builders': { skip, inGroup: true, work: buildTrees },
  'commands: instantiating, written ahead': { skip, inGroup: true, work: instantiateMany },
  'commands: user environments': { skip, inGroup: true, work: installAndRemove, check: checkProfile },
  'commands: channels': { skip: skip || needs('tar').skip, inGroup: true, work: updateChannel },
  'commands: fetching with Git': { skip: skip || needs('git').skip, inGroup: true, work: fetchFromGit },
  'commands: optimising, repairing, collecting': { skip, inGroup: true, work: maintain },
};

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** Runs a command to its end, which must be a good one; gives what it printed. */
async function run(place: Workplace, ...argv: readonly string[]): Promise<string> {
  const { folder } = place;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...argv], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'], HOME: join(folder, 'home'), FIRN_ROOT: join(folder, 'root'), NO_COLOR: '1',
      XDG_CACHE_HOME: join(folder, `cache-${place.unit}`), NIX_CONFIG: 'experimental-features = nix-command flakes',
    },
  });
  const said = { out: '', error: '' };
  child.stdout.on('data', (bytes: Buffer) => { said.out += bytes.toString(); });
  child.stderr.on('data', (bytes: Buffer) => { said.error += bytes.toString(); });
  const [status] = await once(child, 'close') as [number | null];
  assert.equal(status, 0, `${argv.join(' ')}: ${said.error}`);
  return said.out.trim();
}

/** Trees in two layers, and all of them in one. */
const trees = `{ unit }: let
  build = name: builder: attrs: derivation ({ inherit name builder; system = "builtin"; __structuredAttrs = true; } // attrs);
  numbers = builtins.genList (n: toString n) 6;
  tree = n: build "tree-\${unit}-\${n}" "builtin:write-tree" {
    entries = map (m: { path = "share/\${n}-\${m}"; type = "file"; text = "\${unit} \${n} \${m}"; }) numbers;
  };
in {
  all = build "all-\${unit}" "builtin:merge-trees" { trees = map tree numbers; };
  program = build "program-\${unit}" "builtin:write-tree" {
    entries = [ { path = "bin/program"; type = "file"; text = "program \${unit}"; } ];
  };
}`;

function writeTrees({ folder }: Workplace): string {
  const file = join(folder, 'trees.nix');
  mkdirSync(join(folder, 'home'), { recursive: true });
  writeFileSync(file, trees);
  return file;
}

async function buildTrees(place: Workplace): Promise<void> {
  const file = writeTrees(place);
  const link = join(place.folder, 'result');
  await run(place, 'nix-build', file, '-A', 'all', '--argstr', 'unit', String(place.unit), '-o', link);
  assert.equal(readFileSync(join(link, 'share/5-5'), 'utf8'), `${place.unit} 5 5`);
}

async function instantiateMany(place: Workplace): Promise<void> {
  writeTrees(place);
  const paths = await run(place, 'nix-instantiate', '-E', `builtins.genList (n: derivation {
    name = "d\${toString n}"; system = "builtin"; builder = "${place.unit}";
  }) 900`);
  assert.equal(paths.split('\n').length, 900);
}

async function installAndRemove(place: Workplace): Promise<void> {
  const file = writeTrees(place);
  const profile = profileOf(place);
  const env = (...args: string[]) => run(place, 'nix-env', '-p', profile, ...args);
  for (const name of ['all', 'program']) await env('-f', file, '--argstr', 'unit', String(place.unit), '-iA', name);
  assert.match(await env('-q'), new RegExp(`^program-${place.unit}$`, 'm'));
  await env('--rollback');
  await env('-e', '.*');
  await env('--delete-generations', '+2');
  assert.ok(findGenerations(profile).all.length <= 2);
}

async function updateChannel(place: Workplace): Promise<void> {
  writeTrees(place);
  const { folder, unit } = place;
  const name = `channel-${unit}`;
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'default.nix'), `{ }: "channel ${unit}"`);
  spawnSync('tar', ['cJf', `${name}.tar.xz`, name], { cwd: folder });
  await run(place, 'nix-channel', '--add', `file://${folder}/${name}.tar.xz`, 'tried');
  await run(place, 'nix-channel', '--update');
  assert.equal(await run(place, 'nix-instantiate', '--eval', '-E', 'import <tried> { }'), `"channel ${unit}"`);
}

async function fetchFromGit(place: Workplace): Promise<void> {
  writeTrees(place);
  const { folder, unit } = place;
  const repository = join(folder, `repository-${unit}`);
  const git = (...args: string[]) => spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: repository });
  if (!existsSync(join(repository, 'done'))) {
    mkdirSync(repository, { recursive: true });
    for (let at = 0; at < 200; at++) writeFileSync(join(repository, `file${at}`), `${unit} ${at}\n`.repeat(200));
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-q', '-m', 'all');
    writeFileSync(join(repository, 'done'), '');
  }
  const expression = `builtins.readFile ((builtins.fetchGit { url = "file://${repository}"; ref = "main"; }) + "/file199")`;
  assert.match(await run(place, 'nix-instantiate', '--eval', '--read-write-mode', '-E', expression), new RegExp(`"${unit} 199\\\\n`));
}

async function maintain(place: Workplace): Promise<void> {
  await buildTrees(place);
  await run(place, 'nix-store', '--optimise');
  await run(place, 'nix-store', '--verify', '--check-contents', '--repair');
  await run(place, 'nix-collect-garbage', '-d');
  assert.equal(readFileSync(join(place.folder, 'result/share/0-0'), 'utf8'), `${place.unit} 0 0`);
}
