/**
 * Running the user's `git`.
 *
 * What could make it run something else is shut off: hooks, file system monitors, filters, pagers,
 * transports that start programs, and variables that would lead it to another repository. What says
 * how to reach servers stays the user's own: credentials, proxies, `ssh`. Nothing that an expression
 * gives can become a flag: names and URLs stand behind `--` or are checked before.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { Buffer } from 'node:buffer';
import { gitFailed, gitMissing } from '../errors.ts';
import type { Environment } from '../settings.ts';

export interface GitRun {
  readonly environment: Environment;
  readonly signal?: AbortSignal | undefined;
  /** Variables for this run. */
  readonly variables?: Readonly<Record<string, string>>;
  /** For standard input. */
  readonly input?: string | Uint8Array;
}

export interface GitResult {
  readonly status: number;
  readonly output: Buffer;
  readonly messages: string;
}

const safeConfiguration = [
  'core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.pager=cat', 'protocol.ext.allow=never',
  'gc.auto=0', 'maintenance.auto=false', 'advice.detachedHead=false', 'init.defaultBranch=master',
].flatMap((setting) => ['-c', setting]);

/** Runs it to its end, whatever it says. */
export async function runGit(args: readonly string[], run: GitRun): Promise<GitResult> {
  const child = startGit(args, run);
  const output: Buffer[] = [];
  const messages: Buffer[] = [];
  child.stdout!.on('data', (piece: Buffer) => output.push(piece));
  child.stderr!.on('data', (piece: Buffer) => messages.push(piece));
  // Git may end before it has read everything; its status tells more than the broken pipe.
  child.stdin!.on('error', () => {});
  child.stdin!.end(run.input ?? '');
  const status = await endOf(child);
  run.signal?.throwIfAborted();
  return { status, output: Buffer.concat(output), messages: Buffer.concat(messages).toString('utf8').trim() };
}

/** Its output; throws if it fails. */
export async function git(args: readonly string[], run: GitRun): Promise<Buffer> {
  const { status, output, messages } = await runGit(args, run);
  if (status !== 0) throw gitFailed(args, messages);
  return output;
}

/** Starts it with pipes to all its streams. */
export function startGit(args: readonly string[], run: GitRun): ChildProcess {
  return spawn('git', [...safeConfiguration, ...args], {
    env: { ...safeEnvironment(run.environment), ...run.variables },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(run.signal === undefined ? {} : { signal: run.signal }),
  });
}

/** The status that a process ends with. */
export function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? gitMissing(error) : error);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** Variables that say which repository is meant, or which program is to do something in it. */
const misleading = new Set([
  'GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR', 'GIT_NAMESPACE', 'GIT_PREFIX', 'GIT_CEILING_DIRECTORIES', 'GIT_EXTERNAL_DIFF', 'GIT_PAGER',
  'GIT_EDITOR', 'GIT_SEQUENCE_EDITOR', 'GIT_TEMPLATE_DIR', 'GIT_SHALLOW_FILE', 'GIT_GRAFT_FILE',
  'GIT_REPLACE_REF_BASE', 'GIT_LITERAL_PATHSPECS', 'GIT_GLOB_PATHSPECS', 'GIT_NOGLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS', 'GIT_QUARANTINE_PATH', 'GIT_INTERNAL_SUPER_PREFIX',
]);

function safeEnvironment(environment: Environment): Record<string, string> {
  const safe: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !misleading.has(name)) safe[name] = value;
  }
  // Messages are read, and no editor or pager is to be waited for.
  return { ...safe, LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1', GIT_OPTIONAL_LOCKS: '0' };
}
