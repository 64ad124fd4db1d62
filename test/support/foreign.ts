/** Foreign programs that judge our output: a test that needs one skips by name without it. */

import { spawnSync } from 'node:child_process';

const found = new Map<string, boolean>();

/** Whether the program is on PATH. */
export function hasProgram(name: string): boolean {
  let has = found.get(name);
  if (has === undefined) {
    has = spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
    found.set(name, has);
  }
  return has;
}

/** For a test's options: skips it with the reason if a program is missing. */
export function needs(...programs: readonly string[]): { skip: string | false } {
  const missing = programs.filter((program) => !hasProgram(program));
  return { skip: missing.length === 0 ? false : `not installed: ${missing.join(', ')}` };
}
