/** `firn --version`. */

import { readFile } from 'node:fs/promises';
import type { CommandContext } from '../context.ts';

export async function run(_argv: readonly string[], context: CommandContext): Promise<number> {
  const manifest = new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  context.stdout.write(`firn ${version}\n`);
  return 0;
}
