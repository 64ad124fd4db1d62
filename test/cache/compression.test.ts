/** Decompressing by bzip2 and measuring xz files, against the programs that write them; netrc and URLs. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Bzip2Reader } from '../../src/store/binary-cache/bzip2.ts';
import { parseCacheUrl } from '../../src/store/binary-cache/cache-url.ts';
import { parseNetrc } from '../../src/store/binary-cache/netrc.ts';
import { unpackedXzSize } from '../../src/store/binary-cache/xz-size.ts';
import { needs } from '../support/foreign.ts';

/** Bytes without pattern, the same each time. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 12345;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

const samples: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['runs of all lengths', Buffer.concat(Array.from({ length: 600 }, (_, n) => Buffer.alloc(n, n & 3)))],
  ['a million equal bytes', Buffer.alloc(1_000_000, 7)],
  ['text', Buffer.from('the quick brown fox jumps over the lazy dog\n'.repeat(3000))],
  ['noise over two blocks', noise(150_000)],
];

function pack(program: string, args: readonly string[], input: Buffer): Buffer {
  return execFileSync(program, args, { input, maxBuffer: 1 << 26 });
}

function unpackBzip2(packed: Uint8Array, pieceLength: number): Buffer {
  const reader = new Bzip2Reader();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < packed.length; at += pieceLength) pieces.push(...reader.write(packed.subarray(at, at + pieceLength)));
  pieces.push(...reader.finish());
  return Buffer.concat(pieces);
}

for (const [name, bytes] of samples) {
  test(`bzip2 gives back ${name}`, needs('bzip2'), () => {
    const packed = pack('bzip2', ['-1c'], bytes);
    assert.ok(unpackBzip2(packed, packed.length || 1).equals(bytes));
    assert.ok(unpackBzip2(packed, 1000).equals(bytes));
    assert.ok(unpackBzip2(Buffer.concat([packed, packed]), 4096).equals(Buffer.concat([bytes, bytes])));
  });

  test(`the size of ${name} is told from its xz file`, needs('xz'), () => {
    for (const args of [['-c'], ['-0c', '--check=sha256', '--block-size=50000', '-T2'], ['-c', '--x86', '--lzma2=preset=1']]) {
      const packed = pack('xz', args, bytes);
      assert.equal(unpackedXzSize(packed), bytes.length);
      assert.equal(unpackedXzSize(Buffer.concat([packed, Buffer.alloc(4), packed])), 2 * bytes.length);
      assert.match(String(unpackedXzSize(packed.subarray(0, -1))), /ends too early/);
    }
  });
}

test('damaged bzip2 files fail, each in a known way', needs('bzip2'), () => {
  const packed = pack('bzip2', ['-1c'], noise(20_000));
  let refused = 0;
  for (let at = 0; at < packed.length; at += 97) {
    const damaged = Buffer.from(packed);
    damaged[at] = (damaged[at] as number) ^ 0x55;
    assert.throws(() => unpackBzip2(damaged, 4096), { name: 'Bzip2Error' });
    refused += 1;
  }
  assert.ok(refused > 100);
  assert.throws(() => unpackBzip2(packed.subarray(0, -5), 4096), { name: 'Bzip2Error' });
});

test('an xz file that needs a huge dictionary is refused', needs('xz'), () => {
  const packed = pack('xz', ['-c', '--lzma2=dict=512MiB'], Buffer.from('x'));
  assert.match(String(unpackedXzSize(packed)), /too much memory/);
});

test('netrc: machines, default, macros and comments', () => {
  const find = parseNetrc(`
    machine a.example login x password y # not a comment here
    machine A.example login second password second
    macdef init
    machine trap login trap password trap

    default login anyone
    password p`);
  assert.deepEqual(find('A.EXAMPLE'), { login: 'x', password: 'y' });
  assert.deepEqual(find('trap'), { login: 'anyone', password: 'p' });
  assert.equal(parseNetrc('machine only login a password b')('other'), undefined);
});

test('URLs of caches: parameters, passwords left out of the name, what is none', () => {
  const url = parseCacheUrl('https://me:pw@cache.example/sub/?priority=7&trusted=1');
  assert.deepEqual([url.name, url.priority, url.trusted], ['https://cache.example/sub', 7, true]);
  const file = parseCacheUrl('file:///srv/my%20cache/?compression=br&compression-level=3&secret-key=/k');
  assert.deepEqual([file.directory, file.compression, file.compressionLevel, file.secretKeyFiles],
    ['/srv/my cache', 'br', 3, ['/k']]);
  for (const bad of ['', '/srv/cache', 's3://x', 'file://host/x', 'http://', 'https://x?priority=high']) {
    assert.throws(() => parseCacheUrl(bad), { code: 'BAD_CACHE_URL' });
  }
});
