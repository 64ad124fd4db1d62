/** `nix key`: makes secret keys for signing, and tells the public key of one. */

import { readFileSync } from 'node:fs';
import { generateSigningKey, publicKeyOf } from '#formats';
import { usageError } from '../../errors.ts';
import { defineCommand } from '../command.ts';

const generateSecret = defineCommand({
  name: 'nix key generate-secret', summary: 'Prints a new secret key.',
  flags: [{ names: ['--key-name'], operands: ['NAME'], description: "the key's name, such as cache.example.org-1" }],
  async run({ flags, context }) {
    const name = flags.last('--key-name');
    if (name === undefined) throw usageError("The flag '--key-name' is required", 'nix key generate-secret');
    context.stdout.write(generateSigningKey(name).secret);
  },
});

const convertSecretToPublic = defineCommand({
  name: 'nix key convert-secret-to-public', summary: 'Reads a secret key from standard input and prints its public key.',
  async run({ context }) {
    context.stdout.write(publicKeyOf(readFileSync(0, 'utf8')));
  },
});

/** By the subcommand's name. */
export const keyCommands = {
  'generate-secret': generateSecret, 'convert-secret-to-public': convertSecretToPublic,
};
