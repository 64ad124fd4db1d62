/** Finding a program of the machine as a shell does, but in absolute folders only. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath.split(delimiter).filter(isAbsolute).map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
