/** What our bzip2 encoder writes, judged by our decoder and by bzip2 and Python. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { concatBytes } from '#base';
import { Bzip2Writer } from '#formats';
import { Bzip2Reader } from '#store';
import { hasProgram } from '../support/foreign.ts';

function compress(bytes: Uint8Array, level: number, pieceSize = 70_001): Uint8Array {
  const writer = new Bzip2Writer(level);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceSize) pieces.push(...writer.write(bytes.subarray(at, at + pieceSize)));
  return concatBytes([...pieces, ...writer.finish()]);
}

/** A repeatable sequence of numbers below a bound. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const noise = (length: number, kinds: number, seed: number): Uint8Array => {
  const next = random(seed);
  return Uint8Array.from({ length }, () => next(kinds));
};
const text = (line: string, times: number): Uint8Array => Buffer.from(Array.from({ length: times }, (_, at) => `${line} ${at % 7}\n`).join(''));

const cases: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['one byte', Uint8Array.of(7)],
  ['one byte four times', new Uint8Array(4).fill(65)],
  ['one byte 255 and 256 times', concatBytes([new Uint8Array(255).fill(1), new Uint8Array(256).fill(2), Uint8Array.of(1)])],
  ['zeros, more than a block', new Uint8Array(30_000_000)],
  ['two bytes in turn', Uint8Array.from({ length: 250_000 }, (_, at) => at & 1)],
  ['every byte', Uint8Array.from({ length: 256 }, (_, at) => at)],
  ['noise, more than a block', noise(230_000, 256, 1)],
  ['little noise', noise(150_000, 3, 2)],
  ['a log of like lines', text('compiling the same file again', 20_000)],
  ['frequencies like Fibonacci\'s numbers', concatBytes(fibonacci(24).map((length, at) => new Uint8Array(length).fill(at * 5 + 1)))],
];

function fibonacci(count: number): number[] {
  const numbers = [1, 1];
  while (numbers.length < count) numbers.push((numbers.at(-1) as number) + (numbers.at(-2) as number));
  return numbers;
}

for (const [name, bytes] of cases) {
  test(`bzip2: ${name}`, () => {
    for (const level of bytes.length > 1_000_000 ? [9] : [1, 9]) {
      const packed = compress(bytes, level);
      const reader = new Bzip2Reader();
      assert.ok(Buffer.from(concatBytes([...reader.write(packed), ...reader.finish()].map((piece) => piece.slice()))).equals(bytes));
      if (hasProgram('bzip2')) {
        const { status, stdout, stderr } = spawnSync('bzip2', ['-dc'], { input: packed, maxBuffer: 1 << 26 });
        assert.equal(status, 0, String(stderr));
        assert.ok(stdout.equals(bytes));
      }
    }
  });
}

test('bzip2: what comes in any pieces is the same', () => {
  const bytes = text('in pieces', 3000);
  const whole = compress(bytes, 9, bytes.length);
  for (const size of [1, 13, 4096]) assert.deepEqual(compress(bytes, 9, size), whole);
});

test('bzip2: it is about as small as theirs', { skip: hasProgram('bzip2') ? false : 'not installed: bzip2' }, () => {
  const bytes = concatBytes([noise(60_000, 20, 5), text('some text of a build, and more', 4000)]);
  const theirs = spawnSync('bzip2', ['-9c'], { input: bytes, maxBuffer: 1 << 26 }).stdout.length;
  assert.ok(compress(bytes, 9).length < theirs * 1.02);
});
