/**
 * Stores behind a real sshd on loopback: keys of users and hosts, ports, the shell at the other end,
 * with C++ Nix's nix-store there and with our own programs.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../support/foreign.ts';
import { scratch } from './support.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const sshdPath = '/usr/sbin/sshd';
const sshd = needs('ssh', 'ssh-keygen', sshdPath);
const environment = {
  PATH: process.env['PATH'] ?? '', HOME: scratch, XDG_CACHE_HOME: join(scratch, 'xdg-cache'),
  XDG_DATA_HOME: join(scratch, 'xdg-data'), NIX_CONF_DIR: join(scratch, 'no-conf'), NO_COLOR: '1',
};
let server: ChildProcess | undefined;
let port = 0;
let heard = '';

before(async () => {
  if (sshd.skip !== false) return;
  for (const name of ['host', 'user', 'stranger']) {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, name)]);
  }
  writeFileSync(join(scratch, 'authorized'), readFileSync(join(scratch, 'user.pub')));
  port = await freePort();
  writeFileSync(join(scratch, 'sshd_config'), [
    `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(scratch, 'host')}`, `PidFile ${join(scratch, 'sshd.pid')}`,
    `AuthorizedKeysFile ${join(scratch, 'authorized')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no',
    'PermitRootLogin yes', 'PermitUserEnvironment no', '',
  ].join('\n'));
  const command = `exec ${sshdPath} -D -e -f ${join(scratch, 'sshd_config')}`;
  // Root's sshd wants a folder of its own in /run: it gets one that nobody else sees.
  server = process.geteuid?.() === 0
    ? spawn('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs none /run && mkdir /run/sshd && ${command}`])
    : spawn('sh', ['-c', command]);
  server.stderr?.on('data', (text) => { heard += String(text); });
  for (let tries = 0; tries < 100 && !heard.includes('listening') && server.exitCode === null; tries++) await sleep(100);
});

after(() => { server?.kill(); });

/** The store of that name below the scratch folder, behind the server. */
function storeUrl(scheme: string, folder: string, more: Readonly<Record<string, string>> = {}): string {
  const hostKey = readFileSync(join(scratch, 'host.pub'));
  const parameters = new URLSearchParams({
    'ssh-key': join(scratch, 'user'), 'base64-ssh-public-host-key': hostKey.toString('base64'),
    'remote-store': join(scratch, folder), ...more,
  });
  // A plus sign stands for itself in names of stores.
  return `${scheme}://${userInfo().username}@127.0.0.1:${port}?${String(parameters).replaceAll('+', '%20')}`;
}

function firn(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    cwd: scratch, env: environment, encoding: 'utf8', timeout: 120_000,
  });
  return { status, stdout: stdout.trim(), stderr };
}

function succeed(...args: readonly string[]): string {
  const outcome = firn(...args);
  assert.equal(outcome.status, 0, outcome.stderr + heard);
  return outcome.stdout;
}

/** Ends the test by name where no sshd can run at all, as in a machine without mounts. */
function isUp(context: { skip(reason: string): void }): boolean {
  if (heard.includes('listening')) return true;
  context.skip(`sshd does not start here: ${heard.trim()}`);
  return false;
}

test("paths go to C++ Nix's nix-store by way of sshd, and come back", needs('ssh', sshdPath, 'nix-store'), (context) => {
  if (!isUp(context)) return;
  writeFileSync(join(scratch, 'sent'), 'sent by ssh');
  const path = succeed('nix', 'store', 'add-file', join(scratch, 'sent'), '--store', join(scratch, 'mine'));
  const there = storeUrl('ssh', 'theirs', { 'remote-program': 'nix-store' });
  succeed('nix', 'copy', '--store', join(scratch, 'mine'), '--to', there, '--no-check-sigs', path);
  assert.equal(succeed('nix', 'path-info', '--store', there, path), path);
  assert.equal(succeed('nix', 'store', 'cat', '--store', there, path), 'sent by ssh');
  succeed('nix', 'copy', '--store', join(scratch, 'back'), '--from', there, '--no-check-sigs', path);
  assert.equal(readFileSync(join(scratch, 'back', path), 'utf8'), 'sent by ssh');
});

test('our own daemon behind sshd takes texts and answers for them', sshd, (context) => {
  if (!isUp(context)) return;
  mkdirSync(join(scratch, 'programs'), { recursive: true });
  const program = join(scratch, 'programs/nix-daemon');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} --disable-warning=ExperimentalWarning ${main} nix-daemon "$@"\n`, { mode: 0o755 });
  const there = storeUrl('ssh-ng', 'ours', { 'remote-program': program });
  const path = succeed('nix-store', '--store', there, '--add', join(scratch, 'sent'));
  assert.equal(readFileSync(join(scratch, 'ours', path), 'utf8'), 'sent by ssh');
  assert.match(succeed('nix-store', '--store', there, '--query', '--hash', path), /^sha256:/);
  assert.equal(succeed('nix', 'path-info', '--store', there, '--all'), path);
});

test('a host with another key, and a user without one, are turned away in words that help', sshd, (context) => {
  if (!isUp(context)) return;
  const stranger = readFileSync(join(scratch, 'stranger.pub')).toString('base64');
  const forged = firn('nix', 'store', 'info', '--store', storeUrl('ssh', 'ours', { 'base64-ssh-public-host-key': stranger }));
  assert.equal(forged.status, 1);
  assert.match(forged.stderr, /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/);
  const unknown = firn('nix', 'store', 'info', '--store', storeUrl('ssh', 'ours', { 'ssh-key': join(scratch, 'stranger') }));
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /Permission denied/);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => { probe.listen(0, '127.0.0.1', resolve); });
  const { port: free } = probe.address() as AddressInfo;
  await new Promise((resolve) => { probe.close(resolve); });
  return free;
}
