/** A small signed Debian archive on loopback, for the tests of the client. */

import { createHash } from 'node:crypto';
import { xz } from '@napi-rs/lzma';
import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp';
import { suites } from '#debian';
import type { TestServer } from '../support/http-server.ts';

export interface TestKey {
  readonly privateKey: string;
  readonly publicKey: string;
}

export async function makeKey(): Promise<TestKey> {
  return generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Test archive' }],
    date: new Date('2026-01-01'),
    format: 'armored',
  });
}

export interface ArchiveState {
  /** Text of the main area's index, by suite; suites not named are empty. */
  readonly packages?: Readonly<Record<string, string>>;
  readonly date?: string;
  readonly validUntil?: string;
  /** Fields to say of suites instead of the true ones. */
  readonly fields?: Readonly<Record<string, string>>;
}

export const sha256 = (data: Uint8Array | string): string =>
  createHash('sha256').update(data).digest('hex');

/** A paragraph of an index. */
export function packageParagraph(name: string, fields: Readonly<Record<string, string>> = {}): string {
  const all: Record<string, string> = {
    Package: name,
    Version: '1.0-1',
    Architecture: 'amd64',
    Section: 'misc',
    Priority: 'optional',
    Filename: `pool/main/${name[0]}/${name}/${name}_1.0-1_amd64.deb`,
    Size: '4',
    SHA256: sha256(name),
    Description: `package ${name}`,
    ...fields,
  };
  return Object.entries(all).map(([key, value]) => `${key}: ${value}\n`).join('');
}

/** Puts the archive in a state; by-hash files of earlier states stay. Returns the index paths. */
export async function publish(server: TestServer, key: TestKey, state: ArchiveState = {}): Promise<string[]> {
  const date = state.date ?? 'Sat, 21 Nov 2026 02:10:46 UTC';
  const indexes: string[] = [];
  for (const suite of suites) {
    const folder = `/${suite.archive}/dists/${suite.name}`;
    const index = await xz.compress(Buffer.from(state.packages?.[suite.name] ?? ''));
    const path = 'main/binary-amd64/Packages.xz';
    server.files.set(`${folder}/${path}`, index);
    server.files.set(`${folder}/main/binary-amd64/by-hash/SHA256/${sha256(index)}`, index);
    indexes.push(`${folder}/${path}`, `${folder}/main/binary-amd64/by-hash/SHA256/${sha256(index)}`);
    const fields: Record<string, string> = {
      Origin: suite.origin,
      Label: suite.label,
      Codename: suite.name,
      Date: date,
      ...(state.validUntil === undefined ? {} : { 'Valid-Until': state.validUntil }),
      ...state.fields,
      SHA256: `\n ${sha256(index)} ${index.length} ${path}`,
    };
    const text = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`).join('');
    server.files.set(`${folder}/InRelease`, await signText(text, key));
  }
  return indexes;
}

export async function signText(text: string, key: TestKey): Promise<string> {
  return sign({
    message: await createCleartextMessage({ text }),
    signingKeys: await readPrivateKey({ armoredKey: key.privateKey }),
    date: new Date('2026-11-21'),
  });
}
