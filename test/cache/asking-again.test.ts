/**
 * When servers are asked: what was downloaded or not found before is believed for a while unless
 * `--refresh` is given; a machine that builds for us asks caches itself if that is wanted.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startServer } from '../support/http-server.ts';
import { keys, scratch, serveFolder } from './paths.ts';

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
mkdirSync(join(scratch, 'conf'), { recursive: true });
writeFileSync(join(scratch, 'secret'), keys.secret);
const server = await startServer();
after(() => server.close());
// The machine that builds has its own settings, from the same file here.
writeFileSync(join(scratch, 'conf/nix.conf'), `substituters = ${server.url}
sandbox = false
experimental-features = nix-command
trusted-public-keys = ${keys.public}
`);
writeFileSync(join(scratch, 'input.nix'), `derivation {
  name = "input"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "made before";
}`);
writeFileSync(join(scratch, 'top.nix'), `{ machine }: derivation {
  name = "top"; inherit machine; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "read line < \${import ./input.nix}; echo $line > $out" ];
}`);

/** Runs beside the servers of this process. */
async function firn(store: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'], env: {
      PATH: process.env['PATH'], HOME: scratch, XDG_CACHE_HOME: join(scratch, 'xdg'), NIX_CONF_DIR: join(scratch, 'conf'),
      FIRN_ROOT: join(scratch, store),
    },
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (bytes: Buffer) => { said[stream] += bytes; });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout: said.stdout.trim(), stderr: said.stderr };
}

/** The path of a derivation's output, served by the cache from now on. */
async function serveInput(): Promise<string> {
  const { stdout: path, stderr } = await firn('writer', 'nix-build', '--no-out-link', 'input.nix');
  const copied = await firn('writer', 'nix', 'copy', '--to', `file://${scratch}/cache?secret-key=${scratch}/secret`, path);
  assert.equal(copied.status, 0, stderr + copied.stderr);
  serveFolder(server, join(scratch, 'cache'));
  return path;
}

test('a file is fetched again within tarball-ttl only with --refresh', async () => {
  const file = (...flags: string[]) => firn('fetching', 'nix', 'eval', '--impure', '--raw', ...flags, '--expr',
    `builtins.readFile (builtins.fetchurl "${server.url}/file")`);
  server.files.set('/file', 'first');
  assert.equal((await file()).stdout, 'first');
  server.files.set('/file', 'second');
  assert.equal((await file()).stdout, 'first');
  assert.equal((await file('--refresh')).stdout, 'second');
});

test('what a cache did not have is asked for again only with --refresh', async () => {
  const { stdout: path } = await firn('planning', 'nix-instantiate', '--eval', '--raw', '-E', '"${import ./input.nix}"');
  const build = (...flags: string[]) => firn('reader', 'nix', 'build', '--no-link', '--print-out-paths', path, ...flags);
  server.files.set('/nix-cache-info', 'StoreDir: /nix/store\n');
  assert.equal((await build()).status, 1);
  assert.equal(await serveInput(), path);
  const unasked = server.requests.length;
  assert.equal((await build()).status, 1);
  assert.deepEqual(server.requests.slice(unasked).filter((one) => one.endsWith('.narinfo')), []);
  const refreshed = await build('--refresh');
  assert.equal(refreshed.stdout, path, refreshed.stderr);
});

test('with builders-use-substitutes the machine that builds fetches its inputs itself', async () => {
  await serveInput();
  const build = async (machine: string, use: string) => {
    const before = server.requests.length;
    const { status, stderr } = await firn('writer', 'nix-build', '--no-out-link', 'top.nix', '--max-jobs', '0',
      '--argstr', 'machine', machine,
      '--builders', join(scratch, machine), '--option', 'builders-use-substitutes', use);
    assert.equal(status, 0, stderr);
    return server.requests.slice(before).filter((one) => one.startsWith('/nar/')).length;
  };
  assert.equal(await build('copied-to', 'false'), 0);
  assert.equal(await build('fetching-itself', 'true'), 1);
});
