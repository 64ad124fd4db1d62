/** Hashes and their text forms, against published vectors. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesOf, compressHash, decodeBase64, decodeNix32, decodeUtf8, decodeUtf8Strictly, encodeNix32,
  encodeUtf8, formatHash, formatPrefixedHash, hashOf, Hasher, parseHash, parseHashWithFormat,
  type HashAlgorithm,
} from '#base';

function checkHash(algorithm: HashAlgorithm, data: string | Uint8Array, expected: string): void {
  assert.equal(formatHash(hashOf(algorithm, data), 'base16'), expected);
}

const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);

test('digests of every algorithm', () => {
  checkHash('md5', 'abc', '900150983cd24fb0d6963f7d28e17f72');
  checkHash('sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d');
  checkHash('sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  checkHash('blake3', '', 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
});

test('BLAKE3 across chunk and tree borders', () => {
  checkHash('blake3', counting(1024), '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7');
  checkHash('blake3', counting(1025), 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444');
  checkHash('blake3', counting(2049), '5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030');
});

test('a hash in pieces is the hash of the whole', () => {
  for (const algorithm of ['sha256', 'blake3'] as const) {
    const hasher = new Hasher(algorithm);
    const whole = counting(9000);
    for (let at = 0; at < whole.length; at += 777) hasher.update(whole.subarray(at, at + 777));
    assert.deepEqual(hasher.digest(), hashOf(algorithm, whole));
  }
});

test('each text form of a hash is read back', () => {
  const hash = hashOf('sha512', 'firn');
  for (const format of ['base16', 'nix32', 'base64', 'sri'] as const) {
    assert.deepEqual(parseHashWithFormat(formatHash(hash, format), 'sha512'), { hash, format });
    assert.deepEqual(parseHash(formatPrefixedHash(hash, format)), hash);
  }
});

test('nix32 has its digits from the end and refuses stray bits', () => {
  assert.equal(encodeNix32(hashOf('sha256', 'abc').bytes), '1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s');
  assert.deepEqual(decodeNix32('1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'), hashOf('sha256', 'abc').bytes);
  assert.equal(decodeNix32('e'.repeat(52)), undefined);
  assert.equal(decodeNix32('z'.repeat(52)), undefined);
});

test('what is no hash is refused with a reason', () => {
  const check = (text: string, algorithm: HashAlgorithm | undefined, reason: RegExp) =>
    assert.throws(() => parseHash(text, algorithm), { code: 'BAD_HASH', message: reason });
  check('abc', undefined, /does not include a type/);
  check('abc', 'sha256', /wrong length for hash algorithm 'sha256'/);
  check('sha1:abc', 'sha256', /should have type 'sha256'/);
  check('sha7:abc', undefined, /unknown hash algorithm 'sha7'/);
  check('sha256-AAAA', undefined, /length 3 != expected length 32/);
});

test('bytes, byte strings and text', () => {
  assert.equal(encodeUtf8('é'), '\xc3\xa9');
  assert.equal(decodeUtf8('\xc3\xa9'), 'é');
  assert.equal(decodeUtf8Strictly('\xc3'), undefined);
  assert.equal(decodeUtf8('\xc3'), '\ufffd');
  assert.deepEqual(decodeBase64('YWI='), bytesOf('ab'));
  assert.equal(decodeBase64('Y!I='), undefined);
  assert.deepEqual([...compressHash(Uint8Array.of(1, 2, 3, 4, 5), 2)], [1 ^ 3 ^ 5, 2 ^ 4]);
});
