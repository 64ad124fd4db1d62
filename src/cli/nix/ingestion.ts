/** The names that flags have for how files become one hash. */

import type { IngestionMethod } from '#formats';
import { usageError } from '../errors.ts';

const methods: Readonly<Record<string, IngestionMethod>> = {
  nar: 'recursive', recursive: 'recursive', flat: 'flat', text: 'text', git: 'git',
};

export function ingestionMethodOf(name: string): IngestionMethod {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined) throw usageError(`unknown mode '${name}': it is nar, flat, text or git`, 'nix');
  return method;
}
