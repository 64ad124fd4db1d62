/** Downloads with a network of their own: what they reach, what they do not, and how they end. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashOf, type UserError } from '#base';
import { SandboxBuilder, realise, type SandboxOptions } from '#build';
import { hostSystem } from '#host';
import { bytePath, deleteTree } from '#store';
import { findProgram } from '../../src/build/sandbox/find-program.ts';
import { isLocal, localAddresses, parseLocalAddresses } from '../../src/build/sandbox/local-addresses.ts';
import { planNetwork, proxiesOutOfReach } from '../../src/build/sandbox/outside-network.ts';
import { sandboxFromSettings } from '../../src/build/sandbox/settings.ts';
import { needs } from '../support/foreign.ts';
import { freshSandbox, needsNetwork, needsSandbox, recordingProgress, type Made, type SandboxedBuilds } from './builds.ts';
import { world } from './network-world.ts';

let builds: SandboxedBuilds;
let tools: string;
before(() => {
  if (needsSandbox.skip !== false) return;
  builds = freshSandbox();
  tools = mkdtempSync(join(builds.root, 'tools-'));
  chmodSync(tools, 0o755);
});
after(() => builds?.close());

let count = 0;
function download(script: string, result = 'x'): Made {
  return builds.add(`download-${count++}`, { script, fixed: { method: 'flat', hash: hashOf('sha256', result) } });
}
const endless = 'echo begun; while true; do sleep 1; done';

/** A folder of programs to be PATH: those of the machine by those names, and our own. */
function pathOf(names: readonly string[], own: Readonly<Record<string, string>> = {}): { environment: SandboxOptions['environment'] } {
  const folder = mkdtempSync(join(tools, 'path-'));
  chmodSync(folder, 0o755);
  for (const name of names) symlinkSync(findProgram(name, process.env['PATH'] ?? '') as string, join(folder, name));
  for (const [name, text] of Object.entries(own)) writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { environment: { PATH: folder } };
}

/** The slirp4netns processes that this process has started. */
function connections(of = process.pid): number[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('slirp4netns\0')
        && Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1]) === of;
    } catch {
      return false;
    }
  }).map(Number);
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 5000, 'it takes too long');
    await sleep(20);
  }
}

const isRoot = process.getuid?.() === 0;
/** Who builds in the small world: what the bwrap that makes it is told, and the user to be then. */
const inhabitants: readonly [title: string, options: readonly string[], user: string][] = [
  ...(isRoot ? [['root', [], ''] as [string, string[], string]] : []),
  ['an ordinary user', isRoot ? [] : ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'ALL'], '1000'],
  ['root where there are no other users', ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'ALL'], ''],
];
for (const [title, options, user] of inhabitants) {
  test(`${title}: a download reaches the outside, and nothing of this machine`, { skip: noWorld(options) }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'firn-network-'));
    try {
      chmodSync(folder, 0o777);
      writeFileSync(join(folder, 'resolv.conf'), `nameserver ${world.resolver}\noptions edns0\n`);
      mkdirSync(join(folder, 'scratch'));
      chmodSync(join(folder, 'scratch'), 0o777);
      const { status, stdout, stderr } = spawnSync('bwrap', [
        '--dev-bind', '/', '/', '--die-with-parent', ...options, '--unshare-net',
        '--ro-bind', join(folder, 'resolv.conf'), realpathSync('/etc/resolv.conf'),
        process.execPath, ...process.execArgv, join(import.meta.dirname, 'network-world.ts'), user, join(folder, 'scratch'),
      ], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const { said, seen } = JSON.parse(stdout) as { said: string; seen: string[] };
      // What the machine has heard is its resolver, which it was asked for.
      assert.deepEqual([...new Set(seen)], ['name by udp'], said);
      assert.doesNotMatch(said, /machine|reached/);
      assert.match(said, /^plain tcp 127\.0\.0\.1: /m);
      for (const line of [
        `plain tcp ${world.neighbour}: outside tcp`, `plain tcp ${world.outside}: outside tcp`, `plain tcp ${world.outsideSix}: outside tcp`,
        `plain udp ${world.neighbour}: outside udp`, `plain udp ${world.outside}: outside udp`, `plain udp ${world.outsideSix}: outside udp`,
        `plain udp ${world.outside}: outside got 4000`, `name: ${world.outside}`,
      ]) assert.ok(said.split('\n').includes(line), `${line}\n\n${said}`);
    } finally {
      deleteTree(bytePath(folder));
    }
  });
}

function noWorld(options: readonly string[]): string | false {
  const missing = needsNetwork.skip || needs('perl').skip || (existsSync('/etc/resolv.conf') ? false : 'no /etc/resolv.conf');
  if (missing !== false) return missing;
  const trial = spawnSync('bwrap', [
    '--dev-bind', '/', '/', ...options, '--unshare-net', 'sh', '-c', 'ip link add h0 type veth peer name o0 && ip addr add fd51::1/64 dev h0 nodad && bwrap --dev-bind / / --unshare-net true',
  ]);
  return trial.status === 0 ? false : 'networks cannot be made here';
}

test('downloads reach no other: each has its own devices and sockets', needsNetwork, async () => {
  const listening = download('nc -ll -p 4711 -e echo reached & touch /tmp/ready; while [ ! -e /tmp/over ]; do sleep 0.1; done; printf x > $out');
  const building = builds.build(listening);
  building.catch(() => {});
  const store = join(builds.root, 'nix/store');
  const place = (): string | undefined => readdirSync(store).find((name) => existsSync(join(store, name, 'tmp/ready')));
  await Promise.race([until(() => place() !== undefined), building]);
  const scratch = join(store, place() as string);
  await builds.build(download('for host in 127.0.0.1 10.213.87.100; do nc -w 2 $host 4711 < /dev/null && exit 1; done; printf x > $out'));
  // From here it is not reached either.
  assert.notEqual(spawnSync('bwrap', ['--dev-bind', '/', '/', 'busybox', 'nc', '-w', '2', '127.0.0.1', '4711']).stdout.toString(), 'reached\n');
  writeFileSync(join(scratch, 'tmp/over'), '');
  await building;
});

test('many at once, and none hangs or leaves anything', needsNetwork, async () => {
  const all = Array.from({ length: 24 }, () => download('ip -o addr | grep -q 10.213.87.100 && printf x > $out'));
  const sandbox = new SandboxBuilder({ systems: [hostSystem()], environment: { PATH: process.env['PATH'] } });
  await realise(builds.store, all.map(({ drvPath }) => ({ drvPath })), { builders: [sandbox], jobs: 8 });
  assert.deepEqual(connections(), []);
});

test('builders end as ever, and what connects them with them', needsNetwork, async () => {
  await assert.rejects(builds.build(download('exit 3')), /exit code 3/);
  await assert.rejects(builds.build(download('exit 125')), /exit code 125/);
  await assert.rejects(builds.build(download(endless), { limits: { timeoutSeconds: 2 } }), /timed out after 2 seconds\./);
  await assert.rejects(builds.build(download(endless), { limits: { silenceSeconds: 2 } }), /timed out after 2 seconds of silence/);
  const stopping = new AbortController();
  const building = builds.build(download(endless), {}, { signal: stopping.signal });
  building.catch(() => {});
  await until(() => connections().length > 0);
  stopping.abort(new Error('enough'));
  await assert.rejects(building, /enough/);
  assert.deepEqual(connections(), []);
});

test('one that loses its connection fails, and says why', needsNetwork, async () => {
  const made = download('touch /tmp/ready; while true; do sleep 1; done');
  const building = builds.build(made);
  building.catch(() => {});
  const store = join(builds.root, 'nix/store');
  await Promise.race([until(() => readdirSync(store).some((name) => existsSync(join(store, name, 'tmp/ready')))), building]);
  for (const pid of connections()) process.kill(pid, 'SIGKILL');
  await failsWith(building, 'NETWORK_LOST', /slirp4netns, which connected the builder to the network, ended before it/);
});

test('what connects ends when Firn is killed', needsNetwork, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-sandbox-'));
  chmodSync(folder, 0o755);
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'network-child.ts'), folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const over = new Promise((resolve) => child.once('close', resolve));
  await until(() => connections(child.pid).length > 0 || child.exitCode !== null);
  const found = connections(child.pid);
  assert.equal(found.length, 1);
  child.kill('SIGKILL');
  await over;
  await until(() => found.every((pid) => !commandOf(String(pid)).includes('slirp4netns')));
  deleteTree(bytePath(folder));
});

test('so do bwraps that have not yet told the kernel to', needsNetwork, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'firn-sandbox-'));
  chmodSync(folder, 0o777);
  const bwrap = findProgram('bwrap', process.env['PATH'] ?? '');
  // As bwrap it has read its options, and then started what waits for it.
  const { environment } = pathOf(['slirp4netns', 'ip', 'mkfifo', 'flock'], {
    bwrap: `[ "$1" = --args ] || exec ${bwrap} "$@"\ncat <&$2 > /dev/null\n/bin/sleep 1000 & echo $$ $! > ${folder}/waiting; mv ${folder}/waiting ${folder}/begun; wait`,
  });
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'network-child.ts'), folder], {
    stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, PATH: `${environment['PATH']}:${process.env['PATH']}` },
  });
  const over = new Promise((resolve) => child.once('close', resolve));
  await until(() => existsSync(join(folder, 'begun')) || child.exitCode !== null);
  const left = readFileSync(join(folder, 'begun'), 'utf8').trim().split(' ').map((pid) => [pid, commandOf(pid)]);
  assert.match(left.map(([, command]) => command).join(), /bwrap.*sleep/);
  child.kill('SIGKILL');
  await over;
  await until(() => left.every(([pid, command]) => commandOf(pid as string) !== command));
  deleteTree(bytePath(folder));
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

async function failsWith(building: Promise<unknown>, code: string, text: RegExp, hint?: RegExp): Promise<void> {
  await assert.rejects(building, (error: UserError) => {
    let found: UserError | undefined = error;
    while (found !== undefined && found.code !== code) found = found.cause as UserError | undefined;
    assert.equal(found?.code, code, error.stack);
    assert.match(found?.message ?? '', text);
    if (hint !== undefined) assert.match(found?.hint ?? '', hint);
    return true;
  });
}

test('without the programs nothing is built, unless the network is shared', needsNetwork, async () => {
  const path = pathOf(['bwrap', 'ip']);
  const made = download('printf x > $out');
  await failsWith(builds.build(made, { ...path, network: 'isolated' }), 'NETWORK_TOOL_MISSING', /program slirp4netns, .* is not on PATH/,
    /apt install slirp4netns\), or set fixed-output-network = host/);
  const busybox = pathOf(['bwrap', 'slirp4netns']);
  symlinkSync(findProgram('busybox', process.env['PATH'] ?? '') as string, join(busybox.environment['PATH'] as string, 'ip'));
  await failsWith(builds.build(made, { ...busybox, network: 'isolated' }), 'NETWORK_TOOL_MISSING', /program ip, /, /apt install iproute2/);
  await builds.build(builds.add('plain', { script: 'echo > $out' }), path);
  await builds.build(made, { ...path, network: 'host' });
});

test('a connection that cannot be made is an error with what was said', needsNetwork, async () => {
  const made = download('printf x > $out');
  const slirp = pathOf(['bwrap', 'ip'], { slirp4netns: 'echo out of order >&2; exit 1' });
  await failsWith(builds.build(made, { ...slirp, network: 'isolated' }), 'NETWORK_REFUSED', /slirp4netns could not connect .*: out of order/, /modprobe tun/);
  const ip = pathOf(['bwrap', 'slirp4netns'], { ip: 'echo no rules here >&2; exit 2' });
  await failsWith(builds.build(made, { ...ip, network: 'isolated' }), 'NETWORK_REFUSED', /ip could not make the rules [^]*> no rules here/, /policy routing/);
});

test('a proxy on this machine is out of reach: a warning says so', needsNetwork, async () => {
  const made = builds.add('proxied', {
    script: 'printf x > $out', env: { impureEnvVars: 'http_proxy https_proxy' }, fixed: { method: 'flat', hash: hashOf('sha256', 'x') },
  });
  const progress = recordingProgress();
  const environment = { PATH: process.env['PATH'], http_proxy: 'http://me@127.0.0.1:3128/', https_proxy: 'http://192.0.2.1:3128' };
  await builds.build(made, { environment, network: 'isolated' }, { progress });
  assert.match(progress.messages.join('\n'), /^warning: http_proxy: the proxy is a service of this machine, .* fixed-output-network = host$/m);
  const near = ['localhost:1', 'http://localhost', 'socks5h://[::1]:9050', '127.1.2.3'];
  const far = ['', 'localhost.example.org:80', 'http://192.0.2.1/127.0.0.1', '1127.0.0.1:8'];
  const named = (values: readonly string[]): number => proxiesOutOfReach(new Map(values.map((value, at) => [`p${at}_proxy`, value]))).length;
  assert.deepEqual([named(near), named(far), proxiesOutOfReach(new Map([['noproxy', 'localhost:1']]))], [near.length, 0, []]);
});

test('the setting is isolated or host', () => {
  const settings = (network: string) => ({
    text: (name: string) => (name === 'fixed-output-network' ? network : undefined),
    flag: (_: string, otherwise: boolean) => otherwise, number: (_: string, otherwise: number) => otherwise,
    list: () => [], isReplaced: () => false,
  });
  const machine = { system: 'x86_64-linux', environment: {}, keptDirectory: '/nowhere' };
  for (const network of ['', 'isolated', 'host']) sandboxFromSettings(settings(network), machine);
  assert.throws(() => sandboxFromSettings(settings('shared'), machine), (error: UserError) => (
    error.code === 'BAD_SETTING' && /'fixed-output-network' has invalid value 'shared'/.test(error.message)));
});

test('the addresses of a machine are read from its routing tables', () => {
  const trie = 'Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\nLocal:\n     |-- 127.0.0.0\n        /8 host LOCAL\n'
    + '     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.0.2.0\n        /24 link UNICAST\n     |-- 192.0.2.2\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n';
  const route = (to: string, length: string, flags: string, device: string): string => (
    `${to} ${length} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 ${flags} ${device}\n`);
  const table = route('fd510000000000000000000000000001', '80', '80200001', 'eth0') + route('0'.repeat(32), '00', '00200200', 'lo');
  const machine = parseLocalAddresses(trie, table);
  assert.deepEqual(machine, {
    four: ['127.0.0.0/8', '127.0.0.1/32', '192.0.2.2/32'], six: ['fd51:0000:0000:0000:0000:0000:0000:0001/128'], sixLeadsOut: false,
  });
  assert.equal(parseLocalAddresses(trie, table + route('0'.repeat(32), '00', '00450003', 'eth0')).sixLeadsOut, true);
  assert.equal(parseLocalAddresses(trie, undefined).six, undefined);
  const all = ['127.0.0.53', '192.0.2.2', 'fd51::1', 'fe80::1%eth0', '192.0.2.1', '8.8.8.8', 'fd51::2', 'nonsense'];
  assert.deepEqual(all.filter((address) => isLocal(address, machine)), all.slice(0, 4));
  if (process.platform === 'linux') assert.ok(isLocal('127.0.0.1', localAddresses()));
});

test('resolvers of the machine are asked through the one that forwards, others as they are', () => {
  const programs = { slirp: '/slirp', ip: '/ip' };
  const machine = { four: ['127.0.0.0/8', '192.0.2.2/32'], six: ['::1/128'], sixLeadsOut: true };
  const plan = (text: string, on = machine) => planNetwork(programs, on, text);
  const remote = plan('search example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n');
  assert.equal(remote.resolvers, 'search example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n');
  assert.doesNotMatch(remote.rules.four + remote.rules.six, /dport/);
  const local = plan('nameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.2\nnameserver 192.0.2.1\n');
  assert.equal(local.resolvers, 'nameserver 10.213.87.3\nnameserver fd00::3\nnameserver 10.213.87.3\nnameserver 192.0.2.1\n');
  assert.match(local.rules.four, /^rule add pref 1 to 10\.213\.87\.3 ipproto udp dport 53 table main$/m);
  assert.match(local.rules.six, /^rule add pref 1 to fd00::3 ipproto tcp dport 53 table main$/m);
  assert.match(local.rules.six, /^route replace default via fd00::2 dev tap0$/m);
  const without = planNetwork(programs, { four: machine.four, six: undefined, sixLeadsOut: false }, undefined);
  assert.deepEqual([without.rules.six, without.hasSix, without.resolvers], ['', false, undefined]);
});
