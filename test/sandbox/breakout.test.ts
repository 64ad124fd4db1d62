/**
 * A builder that tries to get out: by Perl, which every Debian has, it makes the system calls
 * themselves. Each attempt says what it came to; with the network and without.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashOf } from '#base';
import { needs } from '../support/foreign.ts';
import type { NetworkMode } from '../../src/build/sandbox/outside-network.ts';
import { freshSandbox, needsNetwork, needsSandbox, type SandboxedBuilds } from './builds.ts';

const skip = needsSandbox.skip || needs('perl').skip
  || (process.arch === 'x64' ? false : `its system calls are those of x64, and this is ${process.arch}`);
const machine = ['/usr', '/bin', '/lib', '/lib64'].filter((path) => existsSync(path)).map((path) => ({ target: path, source: path }));

/** Numbers of errors, as the script prints them. */
const [eperm, enoent, esrch, eacces, exdev, enxio, erofs, enosys, enotsup, eafnosupport] = [1, 2, 3, 13, 18, 6, 30, 38, 95, 97];

/** Prints `NAME=ERROR`, 0 for what worked, a line each. */
function script(builds: SandboxedBuilds, victim: string): string {
  return `
use strict; my @said;
sub try_ { my ($name, $result) = @_; push @said, "$name=" . (defined $result && $result != -1 ? 0 : $!+0) . "\\n"; }
my $file = '/build/own'; open(my $own, '>', $file); print $own 'x'; close $own;
my ($value, $buffer) = ('v', "\\0" x 4096);
# Keyrings, which hold keys for all processes of a user.
try_('keyctl', syscall(250, 0, -4, 1));
try_('add_key', syscall(248, my $k = 'user', my $d = 'firn', $value, 1, -4));
# What a store cannot hold.
try_('setxattr', syscall(188, $file, my $x = 'user.x', $value, 1, 0));
try_('acl', syscall(188, $file, my $a = 'system.posix_acl_access', my $acl = pack('VvvVvvVvvVvvV', 2, 1, 6, -1, 2, 7, 12345, 4, 4, -1, 32, 4, -1), 28, 0));
try_('setuid', syscall(90, $file, 04755));
try_('setgid', syscall(90, $file, 02755));
try_('setuid-openat2', syscall(437, -100, my $n = '/build/o2', my $how = pack('QQQ', 0101, 04755, 0), 24));
# Devices, and other users.
try_('mknod-device', syscall(133, my $m = '/build/dev', 0020666, 0x101));
try_('to-root', syscall(105, 0));
try_('chown', syscall(92, $file, 0, 0));
# Files by number, and by names of other processes.
try_('open-by-handle', syscall(304, -100, my $h = pack('Vl', 8, 1) . $buffer, 0));
try_('parents-root', open(my $pr, '<', '/proc/1/root/etc/shadow') ? 0 : undef);
try_('host-file', open(my $hf, '<', '${victim}') ? 0 : undef);
try_('host-file-up', open(my $hu, '<', '/build/../../../../../../../..${victim}') ? 0 : undef);
try_('sys', opendir(my $sd, '/sys') ? 0 : undef);
try_('kmsg', open(my $km, '<', '/dev/kmsg') ? 0 : undef);
try_('mem', open(my $mm, '<', '/dev/mem') ? 0 : undef);
try_('core-pattern', open(my $cp, '>', '/proc/sys/kernel/core_pattern') ? 0 : undef);
try_('sysrq', open(my $sr, '>', '/proc/sysrq-trigger') ? 0 : undef);
# Processes outside.
try_('kill-outside', kill(0, ${process.pid}) ? 0 : undef);
try_('ptrace-outside', syscall(101, 16, ${process.pid}, 0, 0));
push @said, 'session=' . syscall(124, 0) . "\\n";
try_('terminal', open(my $tty, '+<', '/dev/tty') ? 0 : undef);
# A byte for the terminal that we were started from.
my $c = 'x';
try_('tiocsti', ioctl(STDIN, 0x5412, $c) ? 0 : undef);
# Inputs.
my $tools = '${builds.tools}'; my $input = "$tools/bin/busybox";
try_('hard-link', link($input, '/build/link') ? 0 : undef);
try_('hard-link-out', link($input, '/nix/store/link') ? 0 : undef);
try_('input-write', open(my $iw, '>>', $input) ? 0 : undef);
try_('input-chmod', chmod(0777, $input) ? 0 : undef);
try_('input-utime', utime(7, 7, $input) ? 0 : undef);
# Memory and queues that have names.
syscall(29, 0x4669726e, 4096, 01666);
syscall(68, 0x4669726e, 01666);
if (open(my $sh, '>', '/dev/shm/firn-breakout')) { print $sh 'x'; close $sh; }
# Sockets.
try_('vsock', syscall(41, 40, 1, 0));
try_('unix', syscall(41, 1, 1, 0));
try_('io-uring', syscall(425, 8, $buffer));
# Powers of a user namespace of its own, if it gets one.
my $namespaces = syscall(272, 0x10000000 | 0x20000);
push @said, 'namespaces=' . ($namespaces == 0 ? 'own' : 'none') . "\\n";
my $none = 'none';
try_('inner-remount', syscall(165, $none, $tools, $none, 0x1020, 0));
try_('inner-umount', syscall(166, $tools, 0));
try_('inner-write', open(my $ii, '>>', $input) ? 0 : undef);
try_('inner-setuid', syscall(90, $file, 04755));
try_('inner-setxattr', syscall(188, $file, $x, $value, 1, 0));
try_('inner-host-pid', kill(0, ${process.pid}) ? 0 : undef);
kill 0, -1;
print @said;
open(my $out, '>', $ENV{out}); print $out 'done'; close $out;
`;
}

const expected: Readonly<Record<string, readonly number[]>> = {
  keyctl: [enosys], add_key: [enosys], setxattr: [enotsup], acl: [enotsup], setuid: [eperm], setgid: [eperm], 'setuid-openat2': [enosys],
  'mknod-device': [eperm], 'to-root': [eperm, 22], chown: [eperm, 22], 'open-by-handle': [eperm],
  'parents-root': [enoent], 'host-file': [enoent], 'host-file-up': [enoent], sys: [enoent], kmsg: [enoent], mem: [enoent],
  'core-pattern': [eacces, erofs, eperm, enoent], sysrq: [eacces, erofs, eperm, enoent], 'kill-outside': [esrch], 'ptrace-outside': [esrch, eperm], terminal: [enxio],
  tiocsti: [25], 'hard-link': [exdev], 'hard-link-out': [exdev], 'input-write': [erofs, eacces], 'input-chmod': [erofs], 'input-utime': [erofs],
  vsock: [eafnosupport], 'io-uring': [enosys],
  'inner-remount': [eperm, 22], 'inner-umount': [eperm, 22], 'inner-write': [erofs, eacces], 'inner-setuid': [eperm], 'inner-setxattr': [enotsup],
  'inner-host-pid': [esrch],
};

const networks: readonly [NetworkMode | undefined, string][] = [
  [undefined, 'without a network'], ['isolated', 'with a network of its own'], ['host', 'with the network of the machine'],
];
for (const [network, title] of networks) {
  test(`every attempt fails, ${title}`, { skip: skip || (network === 'isolated' && needsNetwork.skip) }, async () => {
    const builds = freshSandbox();
    try {
      const folder = join(builds.root, 'outside');
      mkdirSync(folder, { mode: 0o755 });
      const victim = join(folder, 'victim');
      writeFileSync(victim, 'secret', { mode: 0o644 });
      const before = shared();
      const made = builds.add('breakout', {
        script: 'exec /usr/bin/perl -e "$program"', env: { program: script(builds, victim) },
        ...(network !== undefined ? { fixed: { method: 'flat', hash: hashOf('sha256', 'done') } } : {}),
      });
      await builds.build(made, { visiblePaths: machine, ...(network === undefined ? {} : { network }) });
      const said = new Map(builds.logOf(made).trim().split('\n').map((line) => line.split('=') as [string, string]));
      for (const [name, errors] of Object.entries(expected)) {
        assert.ok(errors.includes(Number(said.get(name))), `${name}: ${said.get(name)}, and not ${errors.join(' or ')}`);
      }
      assert.equal(said.get('unix'), network === 'host' ? String(eafnosupport) : '0');
      assert.equal(said.get('session'), '1', 'a session of its own');
      assert.deepEqual(shared(), before, 'nothing is left in memory that others see');
      assert.equal(existsSync('/dev/shm/firn-breakout'), false);
      assert.equal(readFileSync(victim, 'utf8'), 'secret');
      assert.equal(statSync(builds.store.physicalPath(`${builds.tools}/bin/busybox`)).mode & 0o7777, 0o555);
    } finally {
      builds.close();
    }
  });
}

/** Shared memory and queues of the whole machine with the builder's key. */
function shared(): string[] {
  return ['shm', 'msg'].flatMap((kind) => readFileSync(`/proc/sysvipc/${kind}`, 'utf8').split('\n'))
    .filter((line) => line.includes(String(0x4669726e)));
}
