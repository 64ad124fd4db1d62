/** Downloads by `file:` URLs: a copy, held to the hash and size that are expected like any other. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cacheNotWritable, downloadHashMismatch, downloadTruncated, mirrorUnreachable } from './errors.ts';
import type { ExpectedFile } from './http.ts';

/** Copies the file at `url` to `partial`, complete and synced. Throws `UserError` as downloads do. */
export async function copyLocalFile(url: string, partial: string, expected: ExpectedFile): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  expected.observer?.restart();
  const file = await open(partial, 'w', 0o600).catch((error: unknown) => {
    throw cacheNotWritable(partial, error);
  });
  try {
    for await (const piece of createReadStream(fileURLToPath(url), { highWaterMark: 1 << 20 })) {
      const bytes = piece as Uint8Array;
      hash.update(bytes);
      expected.observer?.update(bytes);
      sizeBytes += bytes.length;
      await file.write(bytes);
    }
    await file.sync();
  } catch (error) {
    throw mirrorUnreachable(url, 'the file cannot be read', error);
  } finally {
    await file.close();
  }
  if (expected.sizeBytes !== undefined && sizeBytes !== expected.sizeBytes) {
    throw downloadTruncated(url, expected.sizeBytes, sizeBytes);
  }
  const found = hash.digest('hex');
  if (expected.sha256 === undefined || found === expected.sha256) return;
  await rm(partial, { force: true });
  throw downloadHashMismatch(url, expected.sha256, found);
}
