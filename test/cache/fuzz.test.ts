/**
 * Descriptions, archives and compressed files with random faults: each is read or refused in a known
 * way, and never anything else. Seeded, so that a failure comes again.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { byteString, UserError } from '#base';
import { formatNarInfo, parseNarInfo, signPath, type NarInfo } from '#formats';
import { decompressNar } from '../../src/store/binary-cache/compression.ts';
import { fileNar, freshStore, once, outputInfo, secretKey } from './paths.ts';

const rounds = Number(process.env['FIRN_FUZZ_ROUNDS'] ?? 150);

/** A generator of natural numbers below a bound. */
function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** One to three faults: a changed byte, a lost stretch, a doubled stretch, an early end. */
function damage(bytes: Uint8Array, next: (bound: number) => number): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let count = 1 + next(3); count > 0; count--) {
    const at = next(result.length);
    const length = 1 + next(40);
    const kind = next(4);
    if (kind === 0) result[at] = next(256);
    else if (kind === 1) result = Uint8Array.from([...result.subarray(0, at), ...result.subarray(at + length)]);
    else if (kind === 2) result = Uint8Array.from([...result.subarray(0, at + length), ...result.subarray(at)]);
    else result = result.slice(0, Math.max(1, at));
  }
  return result;
}

const nar = fileNar('some content\n'.repeat(300));
const info = outputInfo('fuzzed', nar, [outputInfo('first', nar).path, outputInfo('second', nar).path]);
const description: NarInfo = {
  ...info, signatures: [signPath(info, secretKey)], url: 'nar/x.nar.xz', compression: 'xz', fileHash: info.narHash, fileSizeBytes: 77,
};

test('damaged descriptions', () => {
  const next = random(1);
  const text = new TextEncoder().encode(formatNarInfo(description));
  let refused = 0;
  for (let round = 0; round < rounds * 10; round++) {
    try {
      parseNarInfo(byteString(damage(text, next)), 'fuzz');
    } catch (error) {
      assert.ok(error instanceof UserError && error.code === 'BAD_NAR_INFO', String(error));
      refused += 1;
    }
  }
  assert.ok(refused > rounds);
});

const packed: Readonly<Record<string, Uint8Array>> = {
  none: nar, gzip: gzipSync(nar), zstd: zstdCompressSync(nar), xz: xz.compressSync(nar),
};

for (const [compression, bytes] of Object.entries(packed)) {
  test(`damaged archives compressed by ${compression} never become valid`, async () => {
    const next = random(2);
    const store = freshStore();
    const alone = { ...info, references: [] };
    for (let round = 0; round < rounds / 3; round++) {
      const damaged = damage(bytes, next);
      const unpacked = decompressNar(compression, once(damaged), alone.narSizeBytes, 'fuzz');
      await store.addNar(alone, unpacked).catch((error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
      });
      if (!store.isValidPath(alone.path)) continue;
      // What is stored must be the content itself: the damage was where it does not matter.
      assert.equal(store.queryPathInfo(alone.path)?.narSizeBytes, nar.length);
      store.database.invalidate(alone.path);
    }
    await store.addNar(alone, decompressNar(compression, once(bytes), alone.narSizeBytes, 'fuzz'));
    assert.ok(store.isValidPath(alone.path));
  });
}
