/**
 * Programs that the REPL gives the terminal to: the user's editor, and Firn's own commands, as
 * processes of their own.
 */

import { spawn } from 'node:child_process';
import type { CommandContext } from '../context.ts';
import { programFailed } from '../errors.ts';

/** Runs a program with our standard streams; throws if it cannot be run or fails. */
export function runProgram(program: string, args: readonly string[], context: CommandContext): Promise<void> {
  const child = spawn(program, [...args], { stdio: 'inherit', cwd: context.cwd, env: { ...context.env } });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(programFailed(program, error.message)));
    child.once('exit', (status, signal) => {
      if (status === 0) resolve();
      else reject(programFailed(program, signal === null ? `exit code ${status}` : `signal ${signal}`));
    });
  });
}

/** Runs one of Firn's commands, `nix-shell` for example. */
export function runOwnCommand(words: readonly string[], context: CommandContext): Promise<void> {
  return runProgram(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...words], context);
}

/** The words that open a file at a line in the user's editor. */
export function editorCommand(path: string, line: number, env: CommandContext['env']): readonly string[] {
  const words = (env['EDITOR'] || 'nano').split(/\s+/).filter((word) => word !== '');
  const knowsLines = /emacs|nano|vim|kak/.test(words.join(' '));
  return [...words, ...(line > 0 && knowsLines ? [`+${line}`] : []), path];
}
