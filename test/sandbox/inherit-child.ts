/** Builds one derivation and prints the descriptors that its builder had; started with some open. */

import { readFileSync } from 'node:fs';
import { freshSandbox } from './builds.ts';

const builds = freshSandbox();
try {
  const made = builds.add('descriptors', { script: 'ls -l /proc/1/fd > /build/x; cat /build/x > $out' });
  process.stdout.write(readFileSync((await builds.build(made)).get('out') as string, 'utf8'));
} finally {
  builds.close();
}
