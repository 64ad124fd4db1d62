/**
 * Checking a commit's signature against the keys that an input names.
 *
 * Git's status alone says too little: it is satisfied by any key that the user trusts. So what it
 * says must name one of the keys that are wanted.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { flagAttribute, inputToUrl, type Input } from '#runtime';
import { badKeyType, badPublicKeys, commitUnverifiable, commitUnverified } from '../errors.ts';
import { plainText } from './context.ts';
import type { GitRepository } from './git-repository.ts';

interface PublicKey {
  readonly type: string;
  readonly key: string;
}

const keyTypes: Readonly<Record<string, string>> = {
  'ssh-dsa': 'ssh-dsa',
  'ssh-ecdsa': 'ssh-ecdsa',
  'ssh-ecdsa-sk': 'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-ed25519': 'ssh-ed25519',
  'ssh-ed25519-sk': 'sk-ssh-ed25519@openssh.com',
  'ssh-rsa': 'ssh-rsa',
};

/** Fails unless the commit is signed as the input demands. A dirty tree has no commit. */
export async function verifyCommit(
  input: Input, commit: { repository: GitRepository; revision: string } | undefined,
): Promise<void> {
  const keys = publicKeys(input);
  if (!(flagAttribute(input, 'verifyCommit') ?? keys.length > 0)) return;
  if (commit === undefined) throw commitUnverifiable(inputToUrl(input));
  const { repository, revision } = commit;
  const folder = mkdtempSync(join(tmpdir(), 'firn-signers-'));
  try {
    const file = join(folder, 'allowed-signers');
    writeFileSync(file, keys.map(({ type, key }) => `* ${signerType(type)} ${key}\n`).join(''));
    const { status, messages } = await repository.verifyCommit(revision, file);
    const isWanted = keys.some(({ key }) =>
      messages.includes('Good "git" signature for * with ') && messages.includes(` key SHA256:${fingerprint(key)}`));
    if (status !== 0 || !isWanted) throw commitUnverified(revision, messages);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function publicKeys(input: Input): PublicKey[] {
  const keys: PublicKey[] = [];
  const several = plainText(input, 'publicKeys');
  if (several !== undefined) keys.push(...parseKeys(several));
  const one = plainText(input, 'publicKey');
  if (one !== undefined) keys.push({ type: plainText(input, 'keytype') ?? 'ssh-ed25519', key: one });
  return keys;
}

function parseKeys(text: string): PublicKey[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw badPublicKeys(text);
  }
  if (!Array.isArray(list)) throw badPublicKeys(text);
  return list.map((item: unknown) => {
    const { type = 'ssh-ed25519', key } = (item ?? {}) as { type?: unknown; key?: unknown };
    // Both go into a file of lines.
    if (typeof type !== 'string' || typeof key !== 'string' || /\s/.test(key)) throw badPublicKeys(text);
    return { type, key };
  });
}

function signerType(type: string): string {
  const known = Object.hasOwn(keyTypes, type) ? keyTypes[type] : undefined;
  if (known === undefined) throw badKeyType(type, Object.keys(keyTypes));
  return known;
}

function fingerprint(key: string): string {
  return createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '');
}
