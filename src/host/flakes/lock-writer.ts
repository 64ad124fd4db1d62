/**
 * Writing `flake.lock` into the tree of the flake that was asked for.
 *
 * In a Git repository the new file is made known to Git, since only what Git knows of is part of the
 * flake. A commit is made only where a flag asks for it.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeUtf8 } from '#base';
import type { LockWriter } from '#eval';
import { parseUrl, urlPathToFile, type FlakeReference, type Input } from '#runtime';
import { commitWithOutputFile, vcsFailed } from '../errors.ts';
import type { EvaluationSession } from '../worker/session.ts';
import type { FlakeLockFlags } from './flake-source.ts';

export function lockWriter(session: EvaluationSession, flags: FlakeLockFlags): LockWriter {
  return ({ reference, text, difference }) => {
    if (flags.outputFile !== undefined) {
      if (flags.commit === true) throw commitWithOutputFile();
      writeFileSync(decodeUtf8(flags.outputFile), text, 'latin1');
      return true;
    }
    const folder = sourceFolder(reference.input, session.host.environmentVariable('_NIX_FORCE_HTTP') === '1');
    if (folder === undefined) return false;
    const inner = decodeUtf8(innerPath(reference));
    const file = join(folder, inner);
    const existed = existsSync(file);
    const shown = difference.trimEnd();
    session.evaluator.warn(existed
      ? `updating lock file "${file}"${shown === '' ? '' : `:\n${shown}`}` : `creating lock file "${file}": \n${shown}`);
    writeFileSync(file, text, 'latin1');
    const message = flags.commit === true ? commitMessage(session, inner, existed, difference) : undefined;
    const type = reference.input.get('type');
    if (type === 'git') tellGit(folder, inner, message);
    else if (type === 'hg') tellMercurial(folder, inner, message);
    return true;
  };
}

/** The local folder that an input's tree is; undefined if it is not ours to change. */
export function sourceFolder(input: Input, forceFetch = false): string | undefined {
  const type = input.get('type');
  if (type === 'path') return decodeUtf8(String(input.get('path')));
  if (type !== 'git' && type !== 'hg') return undefined;
  const url = parseUrl(String(input.get('url')));
  if (url.scheme !== 'file') return undefined;
  const folder = decodeUtf8(urlPathToFile(url.path));
  if (type === 'hg') return input.has('ref') || input.has('rev') ? undefined : folder;
  return !forceFetch && existsSync(join(folder, '.git')) ? folder : undefined;
}

function innerPath({ directory }: FlakeReference): string {
  return directory === '' ? 'flake.lock' : `${directory}/flake.lock`;
}

function commitMessage(session: EvaluationSession, inner: string, existed: boolean, difference: string): string {
  const summary = session.settings.flakes?.commitLockFileSummary ?? '';
  const first = summary === '' ? `${inner}: ${existed ? 'Update' : 'Add'}` : decodeUtf8(summary);
  return `${first}\n\nFlake lock file updates:\n\n${decodeUtf8(difference)}`;
}

function tellGit(folder: string, inner: string, message: string | undefined): void {
  const isIgnored = spawnSync('git', ['-C', folder, 'check-ignore', '--quiet', '--', inner]).status === 0;
  if (isIgnored) return;
  run('git', ['-C', folder, 'add', '--intent-to-add', '--', inner]);
  if (message === undefined) return;
  const temporary = mkdtempSync(join(tmpdir(), 'firn-message-'));
  try {
    const file = join(temporary, 'message');
    writeFileSync(file, message);
    run('git', ['-C', folder, 'commit', '--file', file, '--', inner]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function tellMercurial(folder: string, inner: string, message: string | undefined): void {
  const file = join(folder, inner);
  run('hg', ['add', '--cwd', folder, '--', file]);
  if (message !== undefined) run('hg', ['commit', '--cwd', folder, '-m', message, '--', file]);
}

function run(program: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw vcsFailed(program, args, error?.message ?? stderr.trim());
}
