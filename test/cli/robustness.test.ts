/**
 * What evaluation meets in the world and in odd programs: an error that says where, no crash and no
 * wait without end.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith, root, type Outcome } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';

const folder = folderWith({
  'cycle/a.nix': 'import ./b.nix',
  'cycle/b.nix': 'import ./a.nix',
  'odd name/file': 'x',
  'latin1.nix': '',
});
writeFileSync(join(folder, 'latin1.nix'), Buffer.from('{ a = "\xff"; \xff = 1; }', 'latin1'));
symlinkSync('loop-b', join(folder, 'loop-a'));
symlinkSync('loop-a', join(folder, 'loop-b'));
mkdirSync(join(folder, 'empty'));
const env = {
  HOME: folder, XDG_DATA_HOME: '', XDG_CACHE_HOME: join(folder, 'cache'), FIRN_ROOT: join(folder, 'root'),
};

function evaluate(expression: string, ...flags: readonly string[]): Outcome {
  return firn(['nix-instantiate', '--eval', '--strict', ...flags, '-E', expression], { cwd: folder, env });
}

const failures: readonly (readonly [name: string, program: string, parts: readonly RegExp[]])[] = [
  ['files that import each other', 'import ./cycle/a.nix',
    [/calling the 'import' builtin/, /infinite recursion encountered\n +at .*\/cycle\/b\.nix:1:1:/]],
  ['a loop of symbolic links', 'builtins.readFile ./loop-a',
    [/calling the 'readFile' builtin\n +at «string»:1:1:/, /infinite symlink recursion in path/]],
  ['a name that the store does not take', '[ "${./. + "/odd name"}" ]',
    [/error: name 'odd name' contains illegal character ' '\n +at «string»:1:4:/]],
  ['a name that the file system does not take', `builtins.pathExists (./. + "/${'x'.repeat(300)}")`,
    [/calling the 'pathExists' builtin\n +at «string»:1:1:/, /the name is too long|ENAMETOOLONG/]],
  ['bytes that are no UTF-8 outside of strings', 'import ./latin1.nix',
    [/syntax error, unexpected invalid token/, /latin1\.nix:1:12:/]],
  ['what the fetchers refuse', 'builtins.fetchTarball "file:///nonexistent/a.tar.gz"',
    [/calling the 'fetchTarball' builtin\n +at «string»:1:1:/, /\/nonexistent\/a\.tar\.gz/]],
];

for (const [name, program, parts] of failures) {
  test(`${name}: an error with its place`, () => {
    const { status, stderr, stdout } = evaluate(program);
    for (const part of parts) assert.match(stderr, part);
    assert.equal(stdout, '');
    assert.equal(status, 1, stderr);
  });
}

test('a pipe is not waited for, whether or not somebody writes to it; a device is not read', needs('mkfifo'), () => {
  const pipe = join(folder, 'pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const refused = (): void => {
    const { status, stderr } = evaluate('builtins.readFile ./pipe');
    assert.match(stderr, /calling the 'readFile' builtin\n +at [^]*error: file '.*\/pipe' is not a regular file/);
    assert.equal(status, 1);
  };
  refused();
  const writer = openSync(pipe, 'r+');
  try {
    writeSync(writer, 'said');
    refused();
  } finally {
    closeSync(writer);
  }
  assert.match(evaluate('builtins.readFile /dev/zero').stderr, /error: file '\/dev\/zero' is not a regular file/);
});

test('literals nest as deep as one likes', () => {
  const depth = 20_000;
  writeFileSync(join(folder, 'deep.nix'), `builtins.length ${'['.repeat(depth)}${']'.repeat(depth)}`);
  assert.deepEqual(evaluate('import ./deep.nix'), { status: 0, stdout: '1\n', stderr: '' });
});

test('what fails for its size names the place, with and without --show-trace', () => {
  const program = 'let f = n: v: if n == 0 then v else f (n - 1) (v + v); in builtins.stringLength (f 40 "x")';
  for (const flags of [[], ['--show-trace']]) {
    const { status, stderr } = evaluate(program, ...flags);
    assert.match(stderr, /calling the 'stringLength' builtin[^]*string is too long: .*\n +at «string»:1:50:/);
    assert.equal(status, 1);
  }
});

test('Ctrl-C ends a download of which nothing comes', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(join(root, 'firn'), [
    'nix-instantiate', '--eval', '-E', `import (builtins.fetchTarball "http://127.0.0.1:${port}/a.tar.gz")`,
  ], { cwd: folder, env: { ...process.env, ...env } });
  const ended = once(child, 'exit');
  const [socket] = await once(server, 'connection') as [Socket];
  socket.on('error', () => {});
  child.kill('SIGINT');
  assert.deepEqual(await ended, [130, null]);
  socket.destroy();
  server.close();
});
