import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FileSink } from '../../src/build/io/file-sink.ts';
import { sampleBytes } from './sample-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'firn-sink-'));
after(() => {
  rmSync(scratch, { recursive: true, force: true });
});

test('pieces of all sizes and patches arrive in their places', () => {
  const path = join(scratch, 'pieces');
  const sink = new FileSink(path);
  const expected: Uint8Array[] = [];
  for (const length of [1, 1000, 1 << 20, 3, (1 << 20) - 1, (2 << 20) + 5, 0, 7]) {
    const bytes = sampleBytes(length, length);
    sink.write(bytes);
    expected.push(bytes);
  }
  const whole = Buffer.concat(expected);
  assert.equal(sink.positionBytes, whole.length);
  sink.patch(500, Buffer.from('patched'));
  whole.set(Buffer.from('patched'), 500);
  sink.close({ sync: true });
  assert.ok(Buffer.compare(readFileSync(path), whole) === 0);
});

test('a file that exists is not written over', () => {
  const path = join(scratch, 'twice');
  new FileSink(path).close();
  assert.throws(() => new FileSink(path), { code: 'EEXIST' });
});

test('a full disk is told as such, with the path and the remedy', (t) => {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', scratch]);
  if (mounted.status !== 0) {
    t.skip('mounting is not allowed here');
    return;
  }
  try {
    const path = join(scratch, 'too-large');
    const sink = new FileSink(path);
    assert.throws(() => sink.write(new Uint8Array(2 << 20)), {
      code: 'IMAGE_DISK_FULL',
      message: /too-large/,
    });
    sink.close();
  } finally {
    execFileSync('umount', [scratch]);
  }
});
