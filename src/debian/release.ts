/**
 * InRelease: the signed root of a suite, from which every other hash is believed.
 *
 * The text between the signature's markers is what was signed; nothing outside it is read. One good
 * signature by one of the shipped archive keys is wanted, as apt wants it. Origin, Label and
 * Codename must be the suite's own, else a mirror could serve one suite as another; `Valid-Until`
 * guards against being kept on an old state.
 */
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import type { PublicKey } from 'openpgp';
import { readParagraph } from '#formats';
import { badSignature, malformedRelease, releaseExpired, releaseFromTheFuture } from './errors.ts';
import type { Suite } from './suites.ts';

export interface ReleaseFile {
  /** SHA-256 of the InRelease file as it was served. */
  readonly sha256: string;
  readonly date: Date;
  readonly validUntil: Date | undefined;
  /** Its files by path relative to the suite's folder. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly sizeBytes: number }>;
}

export interface ReleaseChecks {
  /** The time by which expiry is judged. */
  readonly now: Date;
  /** Armored public keys to trust instead of the shipped ones. */
  readonly keys?: readonly string[];
}

/** Verifies and reads the InRelease bytes served at `url` for `suite`. Throws `UserError`. */
export async function readInRelease(
  bytes: Uint8Array,
  url: string,
  suite: Suite,
  checks: ReleaseChecks,
): Promise<ReleaseFile> {
  const text = await verifiedText(bytes, url, checks);
  const fields = readParagraph(text);
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw malformedRelease(url, `it has no field ${name}`);
    return value;
  };
  for (const [name, wanted] of [
    ['Codename', suite.name],
    ['Origin', suite.origin],
    ['Label', suite.label],
  ] as const) {
    const found = field(name);
    if (found !== wanted) throw malformedRelease(url, `its ${name} is ${found}, wanted ${wanted}`);
  }
  const date = readDate(field('Date'), url);
  const validUntilText = fields.get('Valid-Until');
  const validUntil = validUntilText === undefined ? undefined : readDate(validUntilText, url);
  if (validUntil !== undefined && validUntil < checks.now) throw releaseExpired(url, validUntilText ?? '');
  // A day of grace: clocks of fresh machines are often a time zone off.
  if (date.getTime() > checks.now.getTime() + 86_400_000) throw releaseFromTheFuture(url, field('Date'));
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    date,
    validUntil,
    files: readFileList(field('SHA256'), url),
  };
}

async function verifiedText(bytes: Uint8Array, url: string, checks: ReleaseChecks): Promise<string> {
  const armored = Buffer.from(bytes).toString('utf8');
  if (!armored.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) {
    throw badSignature(url, 'it is not a signed file');
  }
  // Large, and wanted only when an index is fetched.
  const { readCleartextMessage, readKeys, verify } = await import('openpgp');
  try {
    const message = await readCleartextMessage({ cleartextMessage: armored });
    const verificationKeys = checks.keys
      ? (await Promise.all(checks.keys.map((key) => readKeys({ armoredKeys: key })))).flat()
      : await shippedKeys();
    const { data, signatures } = await verify({ message, verificationKeys, date: checks.now });
    const outcomes = await Promise.allSettled(signatures.map((signature) => signature.verified));
    if (outcomes.some((outcome) => outcome.status === 'fulfilled')) return data;
    const reason = outcomes.find((outcome) => outcome.status === 'rejected')?.reason as unknown;
    throw badSignature(url, reason instanceof Error ? reason.message : 'it has no signature', reason);
  } catch (error) {
    if (error instanceof Error && error.name === 'UserError') throw error;
    throw badSignature(url, error instanceof Error ? error.message : String(error), error);
  }
}

const keyFiles = ['automatic', 'security-automatic', 'stable'];
let cachedKeys: Promise<PublicKey[]> | undefined;

async function shippedKeys(): Promise<PublicKey[]> {
  const { readKeys } = await import('openpgp');
  cachedKeys ??= Promise.all(
    keyFiles.map(async (name) => {
      const path = new URL(`./keys/debian-archive-trixie-${name}.asc`, import.meta.url);
      return readKeys({ armoredKeys: await readFile(path, 'latin1') });
    }),
  ).then((keys) => keys.flat() as PublicKey[]);
  return cachedKeys;
}

function readDate(text: string, url: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw malformedRelease(url, `the date ${text} cannot be read`);
  return date;
}

function readFileList(
  text: string,
  url: string,
): Map<string, { sha256: string; sizeBytes: number }> {
  const files = new Map<string, { sha256: string; sizeBytes: number }>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const match = /^\s*([0-9a-f]{64})\s+(\d+)\s+(\S+)\s*$/.exec(line);
    if (!match) throw malformedRelease(url, `the line ${line.trim()} cannot be read`);
    const [, sha256, size, path] = match as unknown as [string, string, string, string];
    files.set(path, { sha256, sizeBytes: Number(size) });
  }
  return files;
}
