/**
 * `pre-build-hook`: a program of the user's that is asked before each build in the sandbox and may
 * show the builder more paths. It gets the derivation and the folder that the sandbox is made in, and
 * answers in lines: `extra-sandbox-paths`, then paths as the setting of that name has them, then an
 * empty line.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StorePath } from '#formats';
import { preBuildHookFailed, unknownHookCommand } from './errors.ts';

export interface HookCall {
  readonly program: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The paths that the program wants shown, as the setting sandbox-paths has them. */
export async function askPreBuildHook(
  { program, environment, signal }: HookCall, drvPath: StorePath, folder: string,
): Promise<string[]> {
  let said: string;
  try {
    ({ stdout: said } = await promisify(execFile)(program, [drvPath, folder], { env: environment as NodeJS.ProcessEnv, signal }));
  } catch (error) {
    signal.throwIfAborted();
    throw preBuildHookFailed(program, error as Error);
  }
  const paths: string[] = [];
  let inPaths = false;
  for (const line of said.split('\n')) {
    if (line === '') inPaths = false;
    else if (inPaths) paths.push(line);
    else if (line === 'extra-sandbox-paths' || line === 'extra-chroot-dirs') inPaths = true;
    else throw unknownHookCommand(program, line);
  }
  return paths;
}
