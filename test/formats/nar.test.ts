/** The NAR reader against everything that an archive should not contain, and against chance. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, concatBytes } from '#base';
import { NarReader, NarWriter, type NarVisitor } from '#formats';

/** Texts as they stand in an archive: length, bytes, padding. */
function tokens(...texts: readonly string[]): Uint8Array {
  return concatBytes(texts.map((text) => {
    const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8);
    new DataView(padded.buffer).setUint32(0, text.length, true);
    padded.set(bytesOf(text), 8);
    return padded;
  }));
}

const nar = (...texts: readonly string[]) => tokens('nix-archive-1', ...texts);
const file = ['(', 'type', 'regular', 'contents', 'x', ')'];
const entry = (name: string, node: readonly string[] = file) => ['entry', '(', 'name', name, 'node', ...node, ')'];
const directory = (...entries: readonly string[][]) => ['(', 'type', 'directory', ...entries.flat(), ')'];
const link = (target: string) => ['(', 'type', 'symlink', 'target', target, ')'];

/** What the visitor was told, one line each. */
class Recorder implements NarVisitor {
  readonly lines: string[] = [];
  beginDirectory(name: string | undefined): void { this.lines.push(`dir ${name}`); }
  endDirectory(): void { this.lines.push('end'); }
  beginFile(name: string | undefined, size: number, executable: boolean): void { this.lines.push(`file ${name} ${size} ${executable}`); }
  contents(bytes: Uint8Array): void { this.lines.push(Buffer.from(bytes).toString('latin1')); }
  endFile(): void {}
  symlink(name: string | undefined, target: string): void { this.lines.push(`link ${name} ${target}`); }
}

function read(bytes: Uint8Array, pieceLength = bytes.length): string[] {
  const recorder = new Recorder();
  const reader = new NarReader(recorder);
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const piece = bytes.slice(at, at + pieceLength);
    reader.write(piece);
    // The reader may not keep the caller's piece.
    piece.fill(255);
  }
  reader.end();
  return recorder.lines;
}

test('each kind of node is read, whatever the pieces', () => {
  const archive = nar(...directory(entry('a', link('../b')), entry('b'), entry('d', directory())));
  const expected = ['dir undefined', 'link a ../b', 'file b 1 false', 'x', 'dir d', 'end', 'end'];
  for (const length of [1, 3, 8, 13, 1000]) assert.deepEqual(read(archive, length), expected);
});

test('what is written is read back, and what follows is left', () => {
  const pieces: Uint8Array[] = [];
  const writer = new NarWriter((bytes) => pieces.push(bytes.slice()));
  writer.beginDirectory();
  writer.beginEntry('big');
  writer.file(new Uint8Array(200_001).fill(65), true);
  writer.endEntry();
  writer.beginEntry('l');
  writer.symlink('big');
  writer.endEntry();
  writer.endDirectory();
  writer.finish();
  const bytes = concatBytes(pieces);
  const reader = new NarReader(new Recorder());
  assert.equal(reader.write(concatBytes([bytes, bytesOf('more')])), bytes.length);
  assert.equal(reader.done, true);
  assert.equal(read(bytes)[1], 'file big 200001 true');
});

const deep = (depth: number): string[] => (depth === 0 ? file : directory(entry('d', deep(depth - 1))));

const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['no archive at all', bytesOf('hello, this is no archive'), /out of range/],
  ['nothing', new Uint8Array(8), /doesn't look like a Nix archive/],
  ['another magic', tokens('nix-archive-2', ...file), /doesn't look like a Nix archive/],
  ['a name with a slash', nar(...directory(entry('a/b'))), /invalid file name/],
  ['the name ..', nar(...directory(entry('..'))), /invalid file name/],
  ['the name .', nar(...directory(entry('.'))), /invalid file name/],
  ['an empty name', nar(...directory(entry(''))), /invalid file name/],
  ['a name with NUL', nar(...directory(entry('a\0b'))), /invalid file name/],
  ['a name that is too long', nar(...directory(entry('n'.repeat(256)))), /too long/],
  ['the same name twice', nar(...directory(entry('a', link('/etc')), entry('a'))), /not sorted/],
  ['names out of order', nar(...directory(entry('b'), entry('a'))), /not sorted/],
  ['an empty link target', nar(...link('')), /invalid symlink target/],
  ['a link target that is too long', nar(...link('t'.repeat(4096))), /too long/],
  ['folders without end', nar(...deep(70)), /nesting exceeds maximum depth/],
  ['an unknown type', nar('(', 'type', 'socket', ')'), /unknown file type/],
  ['an executable with a value', nar('(', 'type', 'regular', 'executable', 'yes', 'contents', '', ')'), /non-empty/],
  ['a missing end', nar('(', 'type', 'regular', 'contents', 'x'), /ends too early/],
  ['a tag that is too long', nar('('.repeat(40)), /too long/],
];

for (const [what, bytes, reason] of refused) {
  test(`${what} is refused`, () => {
    for (const length of [1, bytes.length]) assert.throws(() => read(bytes, length), { code: 'BAD_NAR', message: reason });
  });
}

test('lengths that overflow are refused before anything is allocated', () => {
  const bytes = nar('(', 'type', 'regular', 'contents');
  const huge = concatBytes([bytes, new Uint8Array(8).fill(255)]);
  assert.throws(() => read(huge), { code: 'BAD_NAR', message: /out of range/ });
});

test('padding must be zero', () => {
  const bytes = nar(...file);
  bytes[bytes.length - 1] = 1;
  assert.throws(() => read(bytes), { code: 'BAD_NAR', message: /padding/ });
});

test('damaged archives are refused or read, never anything else', () => {
  const archive = nar(...directory(entry('a', link('../b')), entry('b'), entry('d', directory(entry('x')))));
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  let accepted = 0;
  for (let round = 0; round < 4000; round++) {
    const damaged = archive.slice(0, round % 3 === 0 ? random(archive.length) : archive.length);
    for (let i = 0; i <= round % 4; i++) damaged[random(damaged.length || 1)] = random(256);
    try {
      read(damaged, 1 + random(64));
      accepted++;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'BAD_NAR');
    }
  }
  assert.ok(accepted < 1500, `too many damaged archives were accepted: ${accepted}`);
});
