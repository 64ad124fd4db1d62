/** Logs of builds: readable while the build runs, compressed afterwards, by either program. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '#base';
import { hasProgram } from '../support/foreign.ts';
import { freshSandbox, needsSandbox, type Made, type SandboxedBuilds } from './builds.ts';

const logFile = (builds: SandboxedBuilds, { drvPath }: Made): string => {
  const base = drvPath.slice('/nix/store/'.length);
  return join(builds.store.location.logDirectory, 'drvs', base.slice(0, 2), base.slice(2));
};
const logging = (builds: SandboxedBuilds) => ({ logDirectory: join(builds.store.location.logDirectory, 'drvs') });

test('a log is compressed when the build has ended, as C++ Nix keeps it', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const made = builds.add('loud', { script: 'for i in 1 2 3; do echo "line $i"; done; echo done > $out' });
    await builds.build(made, {}, logging(builds));
    const file = logFile(builds, made);
    assert.equal(existsSync(file), false);
    assert.equal(readFileSync(`${file}.bz2`).toString('latin1', 0, 3), 'BZh');
    if (hasProgram('bzip2')) {
      assert.equal(spawnSync('bzip2', ['-dc', `${file}.bz2`], { encoding: 'utf8' }).stdout, 'line 1\nline 2\nline 3\n');
    }
    if (hasProgram('nix-store')) {
      const theirs = spawnSync('nix-store', ['--store', builds.root, '--option', 'build-users-group', '', '-l', made.drvPath], { encoding: 'utf8' });
      assert.equal(theirs.stdout, 'line 1\nline 2\nline 3\n', theirs.stderr);
    }
  } finally {
    builds.close();
  }
});

test('messages in JSON are acted on, not shown; those that nobody understands are no reason to fail', needsSandbox, async () => {
  const builds = freshSandbox();
  const told: string[] = [];
  const shown: string[] = [];
  const progress: Progress = {
    message: (level, text) => { told.push(`${level}: ${text}`); },
    start: () => ({
      advance() {}, finish() {}, detail: (text) => { shown.push(`(${text})`); }, log: (line) => { shown.push(line); },
    }),
  };
  const say = (...lines: string[]) => lines.map((line) => `echo '@nix ${line}' >&$NIX_LOG_FD`).join('\n');
  try {
    const made = builds.add('messages', { script: `
      echo before
      ${say('{ "action": "setPhase", "phase": "buildPhase" }', '{"action":"msg","level":0,"msg":"look"}', '{"action":"result"}')}
      ${say('1', '{}', '{"action": null}', '{"action":"msg","msg":1}', ']' + '[')}
      exit 1` });
    await assert.rejects(builds.build(made, {}, { progress }), (error: Error) => {
      assert.match(error.message, /before/);
      assert.doesNotMatch(error.message, /@nix/);
      return true;
    });
    assert.deepEqual(shown, ['before', '(buildPhase)']);
    assert.equal(told.filter((text) => text === 'notice: look').length, 1);
    assert.equal(told.filter((text) => text.startsWith('warning: Unable to handle a JSON message from the derivation builder: ')).length, 4);
    assert.equal(told.filter((text) => text.startsWith('warning: bad JSON log message from the derivation builder: ')).length, 1);
    assert.equal(builds.logOf(made).split('\n').filter((line) => line.startsWith('@nix ')).length, 8);
  } finally {
    builds.close();
  }
});

test('without compression it stays as it is', needsSandbox, async () => {
  const builds = freshSandbox();
  try {
    const made = builds.add('plain', { script: 'echo plain; echo done > $out' });
    await builds.build(made, {}, { ...logging(builds), logs: { compress: false } });
    assert.equal(readFileSync(logFile(builds, made), 'utf8'), 'plain\n');
  } finally {
    builds.close();
  }
});

test('what a build says is in the log while it runs', needsSandbox, async () => {
  const builds = freshSandbox();
  const stop = new AbortController();
  try {
    const made = builds.add('slow', { script: 'echo begun; while true; do sleep 1; done' });
    const building = builds.build(made, {}, { ...logging(builds), signal: stop.signal });
    building.catch(() => {});
    const file = logFile(builds, made);
    const said = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    for (let tries = 0; said() === '' && tries < 600; tries++) await sleep(50);
    assert.equal(said(), 'begun\n');
    stop.abort(new Error('enough'));
    await assert.rejects(building, /enough/);
    assert.deepEqual(readdirSync(join(file, '..')).filter((name) => !name.endsWith('.bz2')), []);
  } finally {
    stop.abort(new Error('enough'));
    builds.close();
  }
});
