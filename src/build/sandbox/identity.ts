/**
 * Who builders are on this machine. An ordinary user's are that user. Root's are a user of their
 * own wherever that user can reach the store: what is root's by its number alone, without any
 * capability (settings of the kernel below /proc), is then out of reach too. Where the way to the
 * store is barred to others they stay root without capabilities, and those settings are covered;
 * so they do in a container that has no such user.
 */
import { chownSync, existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The first of the numbers that C++ Nix gives to builds where no accounts are set aside. */
const builderNumber = 872_415_232;

/** The number to run as, user and group; undefined to stay who we are. */
export function builderIdentity(physicalStore: string): number | undefined {
  if (process.getuid?.() !== 0 || !exists(builderNumber)) return undefined;
  for (let folder = physicalStore; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return undefined;
    if (folder === '/') return builderNumber;
  }
}

/** Whether there is a user and a group of that number in our user namespace. */
function exists(number: number): boolean {
  return ['/proc/self/uid_map', '/proc/self/gid_map'].every((file) => {
    let ranges;
    try {
      ranges = readFileSync(file, 'latin1').trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    } catch {
      // A kernel without user namespaces has all numbers.
      return true;
    }
    return ranges.some(([first = 0, , count = 0]) => number >= first && number < first + count);
  });
}

/** Whether a process that we start can be without our supplementary groups. */
export function mayDropGroups(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    return readFileSync('/proc/self/setgroups', 'latin1').trim() === 'allow';
  } catch {
    // A kernel without user namespaces.
    return true;
  }
}

/** Gives the paths to the builders' user. */
export function giveTo(identity: number | undefined, paths: readonly string[]): void {
  if (identity === undefined) return;
  for (const path of paths) if (!lstatSync(path).isSymbolicLink()) chownSync(path, identity, identity);
}

/** Options of bwrap that cover what root's number alone gives access to. */
export function coverForRoot(identity: number | undefined): string[] {
  if (process.getuid?.() !== 0 || identity !== undefined) return [];
  return ['/proc/sys', '/proc/sysrq-trigger'].filter((path) => existsSync(path))
    .flatMap((path) => ['--ro-bind', path, path]);
}
