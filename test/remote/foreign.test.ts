/**
 * C++ Nix at the other end of the connection, in both directions: its daemon and its nix-store serve
 * us, and ours serve its clients. `ssh://localhost` is this machine; where a host name is used, a
 * small program on PATH stands in for ssh.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { needs } from '../support/foreign.ts';
import { scratch } from './support.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const bin = join(scratch, 'bin');
const theirs = needs('nix-daemon', 'nix-store', 'nix');
const builds = { skip: canBuild() };

mkdirSync(join(scratch, 'conf'), { recursive: true });
mkdirSync(bin);
writeFileSync(join(scratch, 'conf/nix.conf'), [
  'substituters =', 'sandbox = false', 'build-users-group =', 'experimental-features = nix-command',
  'sandbox-paths = /bin /lib /lib64 /usr', 'require-sigs = false',
].join('\n'));
for (const name of ['nix-store', 'nix-daemon', 'nix-build', 'nix', 'nix-copy-closure', 'nix-instantiate']) {
  writeFileSync(join(bin, `firn-${name}`), `#!/bin/sh
FIRN_COMMAND_NAME=${name} exec ${process.execPath} --disable-warning=ExperimentalWarning ${main} "$@"\n`, { mode: 0o755 });
}
// Leaves out options and the host, and gives the rest to a shell, as sshd does.
writeFileSync(join(bin, 'ssh'), `#!/bin/sh
echo "$*" >> ${join(scratch, 'ssh.log')}
while [ "$1" != -- ]; do shift; done
shift
exec sh -c "$*"
`, { mode: 0o755 });
writeFileSync(join(scratch, 'two.nix'), `{ tag }: let
  build = name: script: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ];
  };
  dep = build "dep" "echo dep \${tag} > $out";
in build "top" "echo building \${tag}; read line < \${dep}; echo hello $line > $out"`);

const environment = {
  PATH: `${bin}:${process.env['PATH']}`, HOME: scratch, XDG_CACHE_HOME: join(scratch, 'xdg-cache'), XDG_DATA_HOME: join(scratch, 'xdg-data'),
  NIX_CONF_DIR: join(scratch, 'conf'), NO_COLOR: '1',
};

function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: scratch, env: { ...environment, ...env }, encoding: 'utf8', timeout: 120_000,
  });
  return { status, stdout: stdout.trim(), stderr };
}

function succeed(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  const outcome = run(program, args, env);
  assert.equal(outcome.status, 0, outcome.stderr);
  return outcome.stdout;
}

/** Whether C++ Nix can build in a store in a folder here: it needs namespaces for that. */
function canBuild(): string | false {
  const missing = needs('nix-daemon', 'nix-store', 'nix', 'bwrap').skip;
  if (missing !== false) return missing;
  const probe = spawnSync('unshare', ['-U', '-m', '-r', 'true'], { encoding: 'utf8' });
  return probe.status === 0 ? false : 'there are no user namespaces for builds';
}

const at = (store: string) => join(scratch, store);
const hashIn = (store: string, path: string) => succeed('nix-store', ['--store', at(store), '-q', '--hash', path]);
const sample = (store: string, text: string): string => {
  const file = join(scratch, 'sample');
  writeFileSync(file, text);
  return succeed('firn-nix-store', ['--store', at(store), '--add', file]);
};

test('paths go to and from C++ Nix by both protocols', theirs, () => {
  const path = sample('a', 'one');
  succeed('firn-nix', ['copy', '--store', at('a'), '--to', `ssh://localhost?remote-store=${at('their-a')}`, path]);
  succeed('firn-nix', ['copy', '--store', at('a'), '--to', `ssh-ng://localhost?remote-store=${at('their-b')}`, path]);
  assert.equal(hashIn('their-a', path), hashIn('their-b', path));
  succeed('firn-nix', ['copy', '--store', at('b'), '--from', `ssh://localhost?remote-store=${at('their-a')}`, path]);
  succeed('firn-nix', ['copy', '--store', at('c'), '--from', `ssh-ng://localhost?remote-store=${at('their-b')}`, path]);
  for (const store of ['b', 'c']) assert.equal(hashIn(store, path), hashIn('their-a', path));
  // From one store elsewhere to another.
  succeed('firn-nix', ['copy', '--from', `ssh-ng://localhost?remote-store=${at('their-a')}`, '--to', `ssh://localhost?remote-store=${at('their-c')}`, path]);
  assert.equal(hashIn('their-c', path), hashIn('their-a', path));
  const missing = run('firn-nix', ['copy', '--store', at('d'), '--from', `ssh://localhost?remote-store=${at('their-a')}`, `${path.slice(0, -1)}x`]);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /is not valid in store 'ssh:\/\/localhost'/);
});

test("C++ Nix's clients copy to and from our servers", theirs, () => {
  const path = sample('e', 'two');
  const serve = `remote-program=${join(bin, 'firn-nix-store')}`;
  const daemon = `remote-program=${join(bin, 'firn-nix-daemon')}`;
  succeed('nix', ['--store', at('e'), 'copy', '--to', `ssh://localhost?${serve}&remote-store=${at('f')}`, path]);
  succeed('nix', ['--store', at('e'), 'copy', '--to', `ssh-ng://localhost?${daemon}&remote-store=${at('g')}`, path]);
  succeed('nix', ['--store', at('their-d'), 'copy', '--from', `ssh://localhost?${serve}&remote-store=${at('g')}`, path]);
  succeed('nix', ['--store', at('their-e'), 'copy', '--from', `ssh-ng://localhost?${daemon}&remote-store=${at('f')}`, path]);
  for (const store of ['f', 'g', 'their-d', 'their-e']) assert.equal(hashIn(store, path), hashIn('e', path));
  // Questions and additions of a client that works on our daemon as on its own store.
  const store = `ssh-ng://localhost?${daemon}&remote-store=${at('g')}`;
  assert.equal(succeed('nix-store', ['--store', store, '-q', '--references', path]), '');
  const file = join(scratch, 'added');
  writeFileSync(file, 'added');
  const added = succeed('nix-store', ['--store', store, '--add', file]);
  assert.equal(hashIn('g', added), hashIn('g', added));
  assert.match(succeed('nix-store', ['--store', store, '--gc', '--print-dead']), /-added/);
});

test("paths are substituted from C++ Nix's stores as from caches", theirs, () => {
  const path = sample('s', 'substituted');
  const made = succeed('firn-nix-build', ['--store', at('s'), '--no-out-link', '--expr', `derivation {
    name = "made"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "made";
  }`]);
  succeed('nix', ['--store', at('their-s'), 'copy', '--from', at('s'), '--no-check-sigs', path, made]);
  const signed = ['--option', 'require-sigs', 'true', '--option', 'substituters'];
  const there = `remote-store=${at('their-s')}`;
  const none = `unix://${join(scratch, 'no.sock')}`;
  // Named by its content a path needs no signature; what a derivation made does, or trust in the store.
  const unsigned = run('firn-nix-store', [
    '--store', at('substituted'), '--realise', path, made, ...signed, `${none} ssh-ng://localhost?${there}`]);
  assert.equal(unsigned.status, 1);
  assert.equal(hashIn('substituted', path), hashIn('s', path));
  assert.match(unsigned.stderr, /warning: cannot open connection to remote store '.*no\.sock'.*not used any more/);
  assert.match(unsigned.stderr, /warning: ignoring substitute for '.*-made'.* not signed by any of the keys/);
  assert.match(unsigned.stderr, /error: path '.*-made' is required, but there is no substituter that can build it/);
  for (const scheme of ['ssh', 'ssh-ng']) {
    const store = `substituted-${scheme}`;
    succeed('firn-nix-store', ['--store', at(store), '--realise', made, ...signed, `${scheme}://localhost?${there}&trusted=1`]);
    assert.equal(hashIn(store, made), hashIn('s', made));
  }
});

test('nix-copy-closure, both ways, through ssh', theirs, () => {
  const path = sample('h', 'three');
  const env = { NIX_SSHOPTS: `-o 'User Known=x'` };
  const host = `ssh://me@builder.example:2222?remote-store=${at('their-f')}&ssh-key=/key&compress=true`;
  const dry = run('firn-nix-copy-closure', ['--store', at('h'), '--to', '--dry-run', host, path], env);
  assert.match(dry.stderr, new RegExp(path));
  assert.equal(existsSync(join(at('their-f'), path)), false);
  succeed('firn-nix-copy-closure', ['--store', at('h'), '--gzip', '-s', '--include-outputs', host, path], env);
  succeed('firn-nix-copy-closure', ['--store', at('i'), '--from', host, path], env);
  assert.equal(hashIn('i', path), hashIn('h', path));
  assert.match(readFileSync(join(scratch, 'ssh.log'), 'utf8'),
    /^me@builder\.example -x -o User Known=x -i \/key -C -p 2222 -- nix-store --serve --write --store \S+\/their-f$/m);
});

test("derivations are built by C++ Nix's daemon, evaluated here", builds, async () => {
  const socket = join(scratch, 'their.sock');
  const child = spawn('nix-daemon', [], {
    env: { ...environment, NIX_REMOTE: at('their-g'), NIX_DAEMON_SOCKET_PATH: socket }, stdio: 'ignore',
  });
  after(() => { child.kill(); });
  for (let tries = 0; !existsSync(socket) && tries < 200; tries++) await sleep(50);
  const env = { NIX_REMOTE: `unix://${socket}?root=${at('their-g')}` };
  const link = join(scratch, 'result-daemon');
  const planned = run('firn-nix-build', ['two.nix', '--argstr', 'tag', 'd', '--dry-run'], env);
  assert.match(planned.stderr, /these 2 derivations will be built:\n( {2}\/nix\/store\/.*-(dep|top)\.drv\n){2}/);
  const path = succeed('firn-nix-build', ['two.nix', '--argstr', 'tag', 'd', '-o', link], env);
  assert.equal(readFileSync(join(at('their-g'), path), 'utf8'), 'hello dep d\n');
  assert.equal(readlinkSync(link), path);
  assert.match(succeed('nix-store', ['--store', at('their-g'), '--gc', '--print-roots']), new RegExp(`${link} -> ${path}`));
  // Import from derivation: what was built there is read here.
  const expression = `builtins.readFile (import ./two.nix { tag = "ifd"; })`;
  assert.equal(succeed('firn-nix-instantiate', ['--eval', '-E', expression], env), '"hello dep ifd\\n"');
  // The elder commands ask the daemon, not a store of ours.
  assert.match(succeed('firn-nix-store', ['-q', '--references', path], env), /^$/);
  const added = succeed('firn-nix-store', ['--add', 'two.nix'], env);
  assert.match(succeed('firn-nix-store', ['--gc', '--print-dead'], env), new RegExp(`^${added}$`, 'm'));
  assert.match(succeed('firn-nix-store', ['--dump-db'], env), new RegExp(`^${added}$`, 'm'));
  assert.match(run('firn-nix-store', ['--load-db'], env).stderr, /'registerValidPaths' is not supported by store 'unix:/);
  const failed = run('firn-nix-build', ['--no-out-link', '-E',
    'derivation { name = "bad"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo so bad >&2; exit 3" ]; }'], env);
  assert.equal(failed.status, 100);
  assert.match(failed.stderr, /Cannot build .*-bad\.drv in store 'unix:\/\/.*failed with exit code 3/);
});

test('builds are sent to C++ Nix, and come back the same', builds, () => {
  const machine = (scheme: string, store: string) => `${scheme}://localhost?remote-store=${at(store)} - - 2 1`;
  const build = (store: string, tag: string, builders: string) => run('firn-nix-build', [
    '--store', at(store), '--no-out-link', 'two.nix', '--argstr', 'tag', tag, '-j0', '--builders', builders,
  ]);
  for (const [tag, scheme] of [['s', 'ssh'], ['n', 'ssh-ng']] as const) {
    const outcome = build('j', tag, machine(scheme, `their-${tag}`));
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.match(outcome.stderr, new RegExp(`building ${tag}`));
    assert.equal(readFileSync(join(at('j'), outcome.stdout), 'utf8'), `hello dep ${tag}\n`);
    assert.equal(hashIn('j', outcome.stdout), hashIn(`their-${tag}`, outcome.stdout));
  }
  // A machine that cannot be reached is left out, and the other takes the build.
  const outcome = build('j', 'fallback', `ssh://localhost?remote-program=/nonexistent/nix-store - - 9 9 ; ${machine('ssh', 'their-s')}`);
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stderr, /cannot build on 'ssh:\/\/localhost\?remote-program=\/nonexistent.*there is no program/);
  const none = build('j', 'none', 'ssh://localhost other-system - 1 1');
  assert.notEqual(none.status, 0);
});

test("C++ Nix's builds are made by our servers", builds, () => {
  for (const [tag, scheme, program] of [['x', 'ssh', 'firn-nix-store'], ['y', 'ssh-ng', 'firn-nix-daemon']] as const) {
    const path = succeed('nix-build', [
      '--store', at('their-h'), '--no-out-link', 'two.nix', '--argstr', 'tag', tag, '-j0',
      '--builders', `${scheme}://localhost?remote-store=${at(`ours-${tag}`)}&remote-program=${join(bin, program)} - - 2 1`,
    ]);
    assert.equal(readFileSync(join(at('their-h'), path), 'utf8'), `hello dep ${tag}\n`);
    assert.equal(hashIn('their-h', path), hashIn(`ours-${tag}`, path));
  }
});
