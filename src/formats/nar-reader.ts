/**
 * Reads a NAR from a stream, trusting nothing in it.
 *
 * Bytes are pushed in pieces of any size; a visitor is told each node. The reader's invariants,
 * which whoever restores a tree may rely on: names are strictly increasing in each directory, not
 * empty, not `.` or `..`, without `/` and NUL, at most 255 bytes; link targets are 1 to 4095 bytes
 * without NUL; directories nest at most 64 deep; padding is zero; every length is checked before
 * anything is allocated. File contents are handed on in pieces and never gathered.
 */

import { byteString } from '#base';
import { badNar } from './nix-errors.ts';

/** Names are those of entries; the root has none. */
export interface NarVisitor {
  beginDirectory(name: string | undefined): void;
  endDirectory(): void;
  beginFile(name: string | undefined, sizeBytes: number, executable: boolean): void;
  /** A piece of the open file; only valid during the call. */
  contents(bytes: Uint8Array): void;
  endFile(): void;
  symlink(name: string | undefined, target: string): void;
}

export const maximumNarDepth = 64;
export const maximumNarNameBytes = 255;
export const maximumNarTargetBytes = 4095;
const maximumTagBytes = 32;

export class NarReader {
  readonly #visitor: NarVisitor;
  readonly #steps: Generator<void, void, void>;
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #received = 0;
  #done = false;
  #started = false;

  constructor(visitor: NarVisitor) {
    this.#visitor = visitor;
    this.#steps = this.#archive();
  }

  /** Whether the whole archive has been read. */
  get done(): boolean {
    return this.#done;
  }

  /** The offset in the archive that has been read up to; at `beginFile` where the contents begin. */
  get position(): number {
    return this.#received - (this.#buffer.length - this.#at);
  }

  /** Takes the next piece; returns how many of its bytes belong to the archive. */
  write(piece: Uint8Array): number {
    if (this.#done) return 0;
    this.#received += piece.length;
    const left = this.#buffer.length - this.#at;
    if (left === 0) {
      this.#buffer = piece;
    } else {
      const joined = new Uint8Array(left + piece.length);
      joined.set(this.#buffer.subarray(this.#at), 0);
      joined.set(piece, left);
      this.#buffer = joined;
    }
    this.#at = 0;
    const step = this.#steps.next();
    this.#started = true;
    if (step.done !== true) {
      // The caller may use its piece again: keep a copy of the few bytes that are left over.
      this.#buffer = this.#buffer.slice(this.#at);
      this.#at = 0;
      return piece.length;
    }
    this.#done = true;
    return this.#at - left;
  }

  /** To be called when there are no more bytes; throws if the archive is not complete. */
  end(): void {
    if (!this.#done) throw badNar(this.#started ? 'it ends too early' : "input doesn't look like a Nix archive");
  }

  *#archive(): Generator<void, void, void> {
    const magic = yield* this.#string(maximumTagBytes, 'input doesn\'t look like a Nix archive');
    if (magic !== 'nix-archive-1') throw badNar("input doesn't look like a Nix archive");
    yield* this.#node(undefined, 0);
  }

  *#node(name: string | undefined, depth: number): Generator<void, void, void> {
    if (depth >= maximumNarDepth) {
      throw badNar(`NAR directory nesting exceeds maximum depth of ${maximumNarDepth}`);
    }
    yield* this.#expect('(');
    yield* this.#expect('type');
    const type = yield* this.#string(maximumTagBytes);
    if (type === 'regular') yield* this.#file(name);
    else if (type === 'directory') yield* this.#directory(name, depth);
    else if (type === 'symlink') yield* this.#symlink(name);
    else throw badNar(`unknown file type '${type}'`);
  }

  *#file(name: string | undefined): Generator<void, void, void> {
    let tag = yield* this.#string(maximumTagBytes);
    const executable = tag === 'executable';
    if (executable) {
      if ((yield* this.#string(maximumTagBytes)) !== '') throw badNar('executable marker has non-empty value');
      tag = yield* this.#string(maximumTagBytes);
    }
    if (tag !== 'contents') throw badNar(`expected tag 'contents', got '${tag}'`);
    const sizeBytes = yield* this.#number();
    this.#visitor.beginFile(name, sizeBytes, executable);
    let left = sizeBytes;
    while (left > 0) {
      while (this.#at === this.#buffer.length) yield;
      const end = Math.min(this.#buffer.length, this.#at + left);
      this.#visitor.contents(this.#buffer.subarray(this.#at, end));
      left -= end - this.#at;
      this.#at = end;
    }
    yield* this.#padding(sizeBytes);
    yield* this.#expect(')');
    this.#visitor.endFile();
  }

  *#directory(name: string | undefined, depth: number): Generator<void, void, void> {
    this.#visitor.beginDirectory(name);
    let previous = '';
    for (;;) {
      const tag = yield* this.#string(maximumTagBytes);
      if (tag === ')') break;
      if (tag !== 'entry') throw badNar(`expected tag 'entry' or ')', got '${tag}'`);
      yield* this.#expect('(');
      yield* this.#expect('name');
      const entry = yield* this.#string(maximumNarNameBytes);
      if (entry === '' || entry === '.' || entry === '..' || /[/\0]/.test(entry)) {
        throw badNar(`NAR contains invalid file name '${entry}'`);
      }
      if (entry <= previous) throw badNar('NAR directory is not sorted');
      previous = entry;
      yield* this.#expect('node');
      yield* this.#node(entry, depth + 1);
      yield* this.#expect(')');
    }
    this.#visitor.endDirectory();
  }

  *#symlink(name: string | undefined): Generator<void, void, void> {
    yield* this.#expect('target');
    const target = yield* this.#string(maximumNarTargetBytes);
    if (target === '' || target.includes('\0')) throw badNar('NAR contains invalid symlink target');
    yield* this.#expect(')');
    this.#visitor.symlink(name, target);
  }

  *#expect(expected: string): Generator<void, void, void> {
    const tag = yield* this.#string(maximumTagBytes);
    if (tag !== expected) throw badNar(`expected tag '${expected}', got '${tag}'`);
  }

  *#string(maximum: number, complaint = 'string is too long'): Generator<void, string, void> {
    const length = yield* this.#number();
    if (length > maximum) throw badNar(complaint);
    yield* this.#need(length);
    const text = byteString(this.#buffer.subarray(this.#at, this.#at + length));
    this.#at += length;
    yield* this.#padding(length);
    return text;
  }

  *#number(): Generator<void, number, void> {
    yield* this.#need(8);
    const view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset + this.#at, 8);
    this.#at += 8;
    const high = view.getUint32(4, true);
    if (high >= 0x20_0000) throw badNar('a length is out of range');
    return high * 0x1_0000_0000 + view.getUint32(0, true);
  }

  *#padding(length: number): Generator<void, void, void> {
    const padding = (8 - (length % 8)) % 8;
    yield* this.#need(padding);
    for (let i = 0; i < padding; i++) {
      if (this.#buffer[this.#at + i] !== 0) throw badNar('non-zero padding');
    }
    this.#at += padding;
  }

  *#need(length: number): Generator<void, void, void> {
    while (this.#buffer.length - this.#at < length) yield;
  }
}
