/**
 * C++ Nix's functional tests, run against our commands.
 *
 * They are shell scripts below `tests/functional` of C++ Nix's source, which the environment
 * variable FIRN_TEST_NIX_SOURCE names. Each runs as C++ Nix's own build would run it: in a copy of
 * their folder, with a store, a home and settings of its own below a scratch folder, and with
 * `nix`, `nix-build`, … on PATH, which are links to our launcher. They expect an ordinary user: run
 * by root, they become `nobody`.
 */

import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root } from '../support/firn.ts';
import { makeSystemStore, testsInSystemStore, type SystemStore } from './system-store.ts';

export interface TestOutcome {
  /** As in the table: `simple.sh`, `ca/build.sh`. */
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or what it said last before it failed. */
  readonly detail: string;
  readonly seconds: number;
  /** Everything it printed, and what it left; only where it is kept. */
  readonly folder: string | undefined;
}

export interface RunOptions {
  readonly timeoutSeconds?: number;
  /** Leaves the scratch folder of a test that failed. */
  readonly keepFailed?: boolean;
  /** How many of the last lines a failure tells. */
  readonly lines?: number;
}

/** The folder of the tests; undefined if the environment names no source of C++ Nix. */
export function testFolder(): string | undefined {
  const source = process.env['FIRN_TEST_NIX_SOURCE'];
  return source === undefined || source === '' ? undefined : join(source, 'tests/functional');
}

/** The names of all tests, from the lists that C++ Nix's build reads. */
export function allTests(folder: string): string[] {
  const suites = ['', 'ca/', 'dyn-drv/', 'flakes/', 'git/', 'git-hashing/', 'local-overlay-store/',
    'plugins/', 'test-libstoreconsumer/'];
  return suites.flatMap((suite) => {
    const text = readFileSync(join(folder, suite, 'meson.build'), 'utf8');
    return [...text.matchAll(/^ +'([^']+\.sh)',$/gm)].map((match) => suite + match[1])
      // These two are listed by the folder above theirs.
      .concat(suite === 'plugins/' ? ['plugins.sh'] : suite === 'test-libstoreconsumer/' ? ['test-libstoreconsumer.sh'] : []);
  }).filter((name, index, all) => all.indexOf(name) === index).sort();
}

/** Runs one test and says how it ended. */
export async function runTest(folder: string, name: string, options: RunOptions = {}): Promise<TestOutcome> {
  const started = performance.now();
  const scratch = mkdtempSync(join(tmpdir(), 'firn-ft-'));
  const log = join(scratch, 'log');
  const { status, timedOut } = await runScript(folder, name, scratch, log, options.timeoutSeconds ?? 300);
  const seconds = (performance.now() - started) / 1000;
  const text = readFileSync(log, 'latin1');
  const result = status === 0 ? 'passed' : status === 77 ? 'skipped' : 'failed';
  const keep = result === 'failed' && options.keepFailed === true;
  if (!keep) removeFolder(scratch);
  const said = text.split('\n').filter((line) => line !== '');
  const detail = result === 'passed' ? ''
    : result === 'skipped' ? said.findLast((line) => line.includes('skipping this test')) ?? said.at(-1) ?? ''
      : [...said.slice(-(options.lines ?? 25)), timedOut ? 'stopped: it took too long' : `status ${status}`].join('\n');
  return { name, result, detail, seconds, folder: keep ? scratch : undefined };
}

function runScript(
  folder: string, name: string, scratch: string, log: string, timeoutSeconds: number,
): Promise<{ status: number | null; timedOut: boolean }> {
  const source = join(scratch, 'source');
  cpSync(folder, source, { recursive: true, verbatimSymlinks: true });
  forgetCachesOfOurs(source);
  const build = join(scratch, 'build');
  const system = testsInSystemStore.has(name) ? makeSystemStore(scratch) : undefined;
  configure(source, build, join(scratch, 'bin'), system);
  if (testsWhereShIsBash.has(name)) symlinkSync(programPath('bash'), join(scratch, 'bin/sh'));
  const suite = dirname(name) === '.' ? 'main' : dirname(name);
  const identity = ordinaryUser();
  const modules = join(tmpdir(), `firn-ft-modules-${identity.uid ?? userInfo().uid}`);
  mkdirSync(modules, { recursive: true });
  if (identity.uid !== undefined) {
    spawnSync('chown', ['-R', `${identity.uid}:${identity.gid}`, scratch, modules]);
  }
  const script = `exec bash -x -e -u -o pipefail ${basename(name)} >${log} 2>&1 </dev/null`;
  const [program = '', ...words] = [...system?.enter ?? [], 'bash', '-c', script];
  const child = spawn(program, words, {
    cwd: suite === 'main' ? source : join(source, suite), detached: true, stdio: 'ignore', ...identity,
    env: {
      ...inherited(),
      _NIX_TEST_SOURCE_DIR: source,
      _NIX_TEST_BUILD_DIR: build,
      TEST_SUITE_NAME: suite,
      TEST_NAME: basename(name, '.sh'),
      NIX_REMOTE: '',
      NIX_STORE: '',
      PS4: '+(${BASH_SOURCE[0]-$0}:$LINENO) ',
      // C++ Nix runs its tests inside a build, where these are variables.
      shell: system?.bash ?? programPath('bash'),
      ...(system === undefined ? {} : { SHELL: system.bash }),
      out: join(scratch, 'out'),
      TMPDIR: scratch,
      // The tests have a new home each; what is compiled once serves all.
      NODE_COMPILE_CACHE: modules,
    },
  });
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const end = () => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutSeconds * 1000);
    child.once('error', reject);
    child.once('exit', (status) => {
      clearTimeout(timer);
      // Daemons and the like that a failed test leaves.
      end();
      resolve({ status, timedOut });
    });
  });
}

/** They give `sh` what only bash takes; where C++ Nix's tests run, the two are the same. */
const testsWhereShIsBash: ReadonlySet<string> = new Set(['add-scanning.sh']);

/** Whom the tests run as, where that is not ourselves. */
function ordinaryUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout));
  return { uid: uid as number, gid: gid as number };
}

/** What C++ Nix's build makes of the templates, and the commands. */
function configure(source: string, build: string, bin: string, system: SystemStore | undefined): void {
  mkdirSync(join(build, 'common'), { recursive: true });
  mkdirSync(bin);
  for (const command of commands) symlinkSync(join(root, 'firn'), join(bin, command));
  modernJq(bin);
  const version = readFileSync(join(dirname(dirname(testFolder() as string)), '.version'), 'utf8').trim();
  const values: Record<string, string> = {
    bash: system?.bash ?? programPath('bash'),
    bindir: bin,
    coreutils: system?.tools ?? dirname(programPath('ls')),
    dot: programPath('dot'),
    sandbox_shell: storableBusybox(bin),
    PACKAGE_VERSION: version,
    system: `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-${process.platform}`,
  };
  for (const [template, made] of [['common/subst-vars.sh.in', 'common/subst-vars.sh'], ['config.nix.in', 'config.nix']]) {
    const text = readFileSync(join(source, template as string), 'utf8');
    writeFileSync(join(build, made as string), text.replace(/@(\w+)@/g, (_, name: string) => values[name] ?? ''));
  }
}

/** A busybox that also runs where its file is called otherwise, as in a store; needs a C compiler. */
function storableBusybox(bin: string): string {
  const plain = programPath('busybox');
  const made = join(bin, 'busybox-of-store');
  const source = join(root, 'test/functional/busybox.c');
  if (spawnSync('cc', ['-static', '-O1', '-o', made, source]).status !== 0) return plain;
  const busybox = readFileSync(plain);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(busybox.length));
  appendFileSync(made, Buffer.concat([busybox, size]));
  return made;
}

/** The tests write `.a.[]`, which jq takes from 1.7 on; an elder one is given `.a[]`. */
function modernJq(bin: string): void {
  const [, minor] = /^jq-1\.(\d+)/.exec(spawnSync('jq', ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? [];
  if (minor === undefined || Number(minor) >= 7) return;
  writeFileSync(join(bin, 'jq'), `#!${programPath('bash')}
words=()
for word; do words+=("$(sed 's/\\([A-Za-z0-9_]\\|\\]\\)\\.\\[/\\1[/g' <<<"$word")"); done
exec ${programPath('jq')} "\${words[@]}"
`, { mode: 0o755 });
}

const commands = [
  'nix', 'nix-build', 'nix-channel', 'nix-collect-garbage', 'nix-copy-closure', 'nix-daemon', 'nix-env', 'nix-hash',
  'nix-instantiate', 'nix-prefetch-url', 'nix-shell', 'nix-store',
];

/** Our environment without what steers Firn or Nix. */
function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(NIX|FIRN|NODE|XDG)_/.test(entry[0])));
}

function programPath(name: string): string {
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}

/** Removes even what is read-only. */
function removeFolder(folder: string): void {
  spawnSync('chmod', ['-R', 'u+w', folder], { stdio: 'ignore' });
  spawnSync('rm', ['-rf', folder]);
}

/** Where a test empties or looks into C++ Nix's caches, it has Firn's: they stand in other files. */
function forgetCachesOfOurs(source: string): void {
  const replace = (file: string, theirs: RegExp | string, ours: string): void => {
    const path = join(source, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(theirs, ours));
  };
  const theirs = '"$TEST_HOME/.cache/nix/binary-cache"*';
  replace('common/functions.sh', theirs, `${theirs} "$TEST_HOME/.cache/firn/binary-caches"*`);
  for (const file of ['fetchGit.sh', 'fetchGitSubmodules.sh']) {
    replace(file, /rm ("\$TEST_HOME")\/\.cache\/nix\/fetcher-cache\*/g, 'rm -r $1/.cache/firn/fetched');
    replace(file, '/.cache/nix', '/.cache/firn');
  }
}
