/**
 * Results of evaluations on disk, one file a question, with all that each depends on.
 *
 * A file appears by a rename and begins with the hash of the rest, so neither a kill nor a crash of
 * the machine leaves one that is half believed. What was evaluated may be secret: the folder is its
 * owner's only. Results that were not asked for longest go first when there are too many. All of it
 * may be deleted at any time; where nothing can be written, nothing is kept.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { encodeHex, hashOf } from '#base';
import type { History } from './revision.ts';
import type { Observations, Shown } from './trace.ts';

export interface StoredResult {
  readonly seen: Observations;
  readonly shown: readonly Shown[];
  /** What the task returned. */
  readonly result: unknown;
  readonly history: History;
}

const maximumFiles = 400;
const maximumBytes = 1 << 28;
const digestLength = 64;

/** The folder of results below a cache folder. */
export function resultFolder(cacheDirectory: string): string {
  return join(cacheDirectory, 'results');
}

/** What is stored for a question; undefined if nothing usable is. */
export function loadResult(folder: string, question: string): StoredResult | undefined {
  const file = join(folder, question);
  try {
    // In another's name a program could be told anything.
    if (statSync(file).uid !== process.getuid?.()) return undefined;
    const bytes = readFileSync(file);
    const payload = bytes.subarray(digestLength);
    if (bytes.toString('latin1', 0, digestLength) !== digestOf(payload)) return undefined;
    const stored = deserialize(payload) as StoredResult;
    const now = new Date();
    utimesSync(file, now, now);
    return stored;
  } catch {
    return undefined;
  }
}

/** Stores a result; does nothing where that is not possible. */
export function saveResult(folder: string, question: string, stored: StoredResult): void {
  const temporary = join(folder, `.${question}-${process.pid}-${Date.now()}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const payload = serialize(stored);
    try {
      writeFileSync(temporary, Buffer.concat([Buffer.from(digestOf(payload), 'latin1'), payload]), { mode: 0o600 });
      renameSync(temporary, join(folder, question));
    } catch {
      // A full disk must not stay full of what nobody will use.
      rmSync(temporary, { force: true });
    }
    prune(folder);
  } catch {
    // A cache that cannot be written is done without; the next run evaluates again.
  }
}

function digestOf(payload: Uint8Array): string {
  return encodeHex(hashOf('sha256', payload).bytes);
}

/** Keeps the newest half when there is too much; leftovers of killed runs go with the old. */
function prune(folder: string): void {
  const names = readdirSync(folder);
  const files = names.map((name) => {
    const { mtimeMs, size } = statSync(join(folder, name));
    return { name, mtimeMs, size };
  });
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (files.length <= maximumFiles && bytes <= maximumBytes) return;
  files.sort((a, b) => b.mtimeMs - a.mtimeMs);
  let kept = 0;
  files.forEach(({ name, size }, index) => {
    kept += size;
    if (index >= maximumFiles / 2 || kept > maximumBytes / 2) rmSync(join(folder, name), { force: true });
  });
}
