/**
 * Writes a NAR, Nix's archive of a file tree, in a stream.
 *
 * The caller walks the tree and tells each node in turn, entries in byte order of their names.
 * What is short is gathered in a buffer, so that `emit` gets few, large pieces; a piece is only
 * valid during the call, since the buffer is used again. Specification: "Nix Archive (NAR) Format".
 */

import { assert } from '#base';

export class NarWriter {
  readonly #emit: (bytes: Uint8Array) => void;
  readonly #buffer = new Uint8Array(bufferLength);
  #filled = 0;

  constructor(emit: (bytes: Uint8Array) => void) {
    this.#emit = emit;
    this.#string('nix-archive-1');
  }

  /** Opens a file; exactly `sizeBytes` must follow by `contents`, then `endFile`. */
  beginFile(sizeBytes: number, executable: boolean): void {
    this.#raw(executable ? executableHeader : fileHeader);
    this.#number(sizeBytes);
  }

  contents(bytes: Uint8Array): void {
    if (bytes.length <= bufferLength - this.#filled) {
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
      return;
    }
    this.#flush();
    this.#emit(bytes);
  }

  endFile(sizeBytes: number): void {
    this.#pad(sizeBytes);
    this.#raw(closeNode);
  }

  /** A whole file, contents given as bytes. */
  file(contents: Uint8Array, executable: boolean): void {
    this.beginFile(contents.length, executable);
    this.contents(contents);
    this.endFile(contents.length);
  }

  symlink(target: string): void {
    this.#raw(symlinkHeader);
    this.#string(target);
    this.#raw(closeNode);
  }

  beginDirectory(): void {
    this.#raw(directoryHeader);
  }

  /** Names the entry whose node follows; `endEntry` after the node. */
  beginEntry(name: string): void {
    this.#raw(entryHeader);
    this.#string(name);
    this.#raw(nodeHeader);
  }

  endEntry(): void {
    this.#raw(closeNode);
  }

  endDirectory(): void {
    this.#raw(closeNode);
  }

  /** Hands out what is left. To be called once, after the root node. */
  finish(): void {
    this.#flush();
  }

  #string(text: string): void {
    this.#number(text.length);
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#buffer[this.#filled++] = text.charCodeAt(i);
    this.#pad(text.length);
  }

  #number(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a length in a NAR is a natural number');
    this.#room(8);
    let rest = value;
    for (let i = 0; i < 8; i++) {
      this.#buffer[this.#filled++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  #pad(length: number): void {
    const padding = (8 - (length % 8)) % 8;
    this.#room(padding);
    this.#buffer.fill(0, this.#filled, this.#filled + padding);
    this.#filled += padding;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  #room(length: number): void {
    if (this.#filled + length > bufferLength) this.#flush();
    assert(length <= bufferLength, 'a name or link target in a NAR is short');
  }

  #flush(): void {
    if (this.#filled > 0) this.#emit(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** The length of the NAR of a single file. */
export function fileNarLength(sizeBytes: number, executable: boolean): number {
  const padded = Math.ceil(sizeBytes / 8) * 8;
  const header = executable ? executableHeader : fileHeader;
  return 24 + header.length + 8 + padded + closeNode.length;
}

const bufferLength = 65536;

function tokens(...texts: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  for (const text of texts) {
    bytes.push(text.length, 0, 0, 0, 0, 0, 0, 0);
    for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
    while (bytes.length % 8 !== 0) bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

const fileHeader = tokens('(', 'type', 'regular', 'contents');
const executableHeader = tokens('(', 'type', 'regular', 'executable', '', 'contents');
const symlinkHeader = tokens('(', 'type', 'symlink', 'target');
const directoryHeader = tokens('(', 'type', 'directory');
const entryHeader = tokens('entry', '(', 'name');
const nodeHeader = tokens('node');
const closeNode = tokens(')');
