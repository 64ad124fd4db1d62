/**
 * A Nix store at `/nix/store` that has the tests' shell and tools, as on the machines that C++ Nix's
 * tests are written for: some give their sandboxes this folder and nothing else.
 *
 * It stands in the test's scratch folder, and only the test sees it there: it runs in a mount
 * namespace of its own, whose root has all of the machine's folders but `/nix`.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Tests that start sandboxes of their own with the system's store in them. */
export const testsInSystemStore: ReadonlySet<string> = new Set([
  'build.sh', 'ca/new-build-cmd.sh', 'fixed-slow-vs-bad.sh', 'linux-sandbox.sh',
]);

export interface SystemStore {
  readonly bash: string;
  /** A folder of programs. */
  readonly tools: string;
  /** The words before a command that is to see it. */
  readonly enter: readonly string[];
}

/** Makes one; undefined where a program is missing that it needs. */
export function makeSystemStore(scratch: string): SystemStore | undefined {
  const [bash, busybox, bwrap] = ['bash-static', 'busybox', 'bwrap'].map(find);
  if (!bash || !busybox || !bwrap) return undefined;
  const shellName = `${'0'.repeat(31)}1-bash-static/bin`;
  const toolsName = `${'0'.repeat(31)}2-busybox/bin`;
  const real = join(scratch, 'system');
  for (const name of [shellName, toolsName]) mkdirSync(join(real, 'store', name), { recursive: true });
  copyFileSync(bash, join(real, 'store', shellName, 'bash'));
  copyFileSync(busybox, join(real, 'store', toolsName, 'busybox'));
  const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(real, 'store', toolsName, applet));
  const folders = readdirSync('/').filter((name) => name !== 'nix');
  return {
    bash: join('/nix/store', shellName, 'bash'),
    tools: join('/nix/store', toolsName),
    enter: [bwrap, ...folders.flatMap((name) => ['--dev-bind', `/${name}`, `/${name}`]), '--bind', real, '/nix', '--'],
  };
}

function find(name: string): string {
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
}
