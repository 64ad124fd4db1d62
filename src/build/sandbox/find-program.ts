/** Finding a program of the machine as a shell does, but in absolute folders only. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** `suits` says of a file with that name whether it is the program that is meant. */
export function findProgram(name: string, searchPath: string, suits = (_path: string) => true): string | undefined {
  return searchPath.split(delimiter).filter(isAbsolute).map((folder) => join(folder, name))
    .find((path) => isExecutable(path) && suits(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
