/**
 * Running a program on the store's paths: in our place, where that can be, and where the store stands
 * below a root of its own, with its folder mounted where the paths say.
 */

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import { UserError } from '#base';
import type { LocalStore } from '#store';
import type { CommandContext } from '../context.ts';

export interface Program {
  /** A path, or a name to be looked up in `searchPath`. */
  readonly file: string;
  /** With the name that the program is called by. */
  readonly args: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs; where we run if it is left out. */
  readonly cwd?: string;
}

/** Where the store's paths stand, and where they say that they do. */
export type StorePlaces = Pick<LocalStore, 'storeDirectory' | 'physicalStoreDirectory'>;

/** Runs the program with our standard streams; the status is the program's. */
export async function runOnStore(program: Program, store: StorePlaces, context: CommandContext): Promise<number> {
  const searchPath = context.env['PATH'] ?? '';
  const mounted = mountStore(program, store, searchPath);
  const file = mounted.file.includes('/') ? mounted.file : findProgram(mounted.file, searchPath);
  if (file === undefined) throw cannotRun(program.file, 'there is no such program');
  // Ctrl-C is the shell's.
  context.takeInterrupts(() => {});
  const child = spawn(file, mounted.args.slice(1), {
    argv0: mounted.args[0], stdio: 'inherit', env: { ...mounted.environment },
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
  });
  const end = () => child.kill('SIGTERM');
  context.signal.addEventListener('abort', end);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(program.file, error.message)));
    child.once('exit', (status, signal) => {
      context.signal.removeEventListener('abort', end);
      resolve(status ?? 128 + (signal === null ? 0 : system.signals[signal]));
    });
  });
}

/** The program, started by bubblewrap if the store's paths are not real ones. */
function mountStore(program: Program, store: StorePlaces, searchPath: string): Program {
  const { storeDirectory, physicalStoreDirectory } = store;
  if (storeDirectory === physicalStoreDirectory) return program;
  const bwrap = findProgram('bwrap', searchPath);
  if (bwrap === undefined) {
    throw new UserError('STORE_NOT_MOUNTED', `nothing runs with this store: its paths stand in '${physicalStoreDirectory}'`, {
      hint: 'Install bubblewrap, which mounts it where its paths say',
    });
  }
  return {
    file: bwrap,
    args: [
      'bwrap', ...machineMounts(storeDirectory), '--ro-bind', physicalStoreDirectory, storeDirectory,
      '--', program.file, ...program.args.slice(1),
    ],
    environment: program.environment,
  };
}

/** Everything that the machine has, but what stands in the way of the store. */
function machineMounts(storeDirectory: string): string[] {
  if (existsSync(storeDirectory)) return ['--dev-bind', '/', '/'];
  const [, top = ''] = storeDirectory.split('/');
  return readdirSync('/').filter((name) => name !== top).flatMap((name) => {
    const path = `/${name}`;
    return lstatSync(path).isSymbolicLink()
      ? ['--symlink', readlinkSync(path), path] : ['--dev-bind-try', path, path];
  });
}

/** The first executable of that name. */
function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath.split(delimiter).filter((folder) => folder !== '')
    .map((folder) => join(folder, name)).find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
      } catch {
        return false;
      }
    });
}

function cannotRun(file: string, reason: string): UserError {
  return new UserError('CANNOT_RUN', `executing shell '${file}': ${reason}`);
}
