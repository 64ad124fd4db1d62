/** `nix-store --generate-binary-cache-key`. */

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { generateSigningKey } from '#formats';
import { usageError } from '../errors.ts';
import type { StoreCommand } from './store-command.ts';

export async function generateKey({ flags, context }: StoreCommand): Promise<number> {
  const [name, secretFile, publicFile] = flags.operands;
  if (name === undefined || secretFile === undefined || publicFile === undefined) {
    throw usageError('A name and two files are required', 'nix-store');
  }
  const keys = generateSigningKey(name);
  writeFileSync(resolve(context.cwd, publicFile), keys.public);
  writeFileSync(resolve(context.cwd, secretFile), keys.secret, { mode: 0o600 });
  return 0;
}
