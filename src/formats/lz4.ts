/**
 * The LZ4 block format: runs of literal bytes, each followed by a copy from up to 64 KiB before.
 *
 * A sequence is a token (literal count in the high half, copy length less 4 in the low half, 15
 * meaning that bytes of 255 and a last one follow), the literals, and the distance in 16 bits. The
 * last sequence has literals alone; the last five bytes are literals, and no copy starts in the
 * last twelve. The compressor is deterministic: one hash table of last positions, or with `high`
 * chains of them searched for the longest match.
 */
import { UserError } from '#base';

const minimumMatch = 4;
const lastLiterals = 5;
const matchLimit = 12;
const farthest = 0xffff;
const hashBits = 16;

export interface Lz4Options {
  /** Searches longer for longer matches. */
  readonly high?: boolean;
}

/** The compressed block; undefined if it would not be smaller than the input. */
export function compressLz4(input: Uint8Array, options: Lz4Options = {}): Uint8Array | undefined {
  const output = new BlockWriter(input);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const heads = new Int32Array(1 << hashBits).fill(-1);
  const previous = options.high === true ? new Int32Array(input.length) : undefined;
  const end = input.length - matchLimit;
  let anchor = 0;
  let at = 0;
  let misses = 0;
  const remember = (position: number): number => {
    const slot = Math.imul(view.getUint32(position, true), 2654435761) >>> (32 - hashBits);
    const head = heads[slot]!;
    if (previous !== undefined) previous[position] = head;
    heads[slot] = position;
    return head;
  };
  while (at < end) {
    let candidate = remember(at);
    let bestLength = 0;
    let bestFrom = 0;
    for (let tries = previous === undefined ? 1 : 64; tries > 0 && candidate >= 0; tries--) {
      if (at - candidate > farthest) break;
      const length = matchLength(input, candidate, at);
      if (length > bestLength) [bestLength, bestFrom] = [length, candidate];
      candidate = previous?.[candidate] ?? -1;
    }
    if (bestLength < minimumMatch) {
      // Steps grow over data that does not repeat, except where every match counts.
      at += previous === undefined ? 1 + (misses++ >> 6) : 1;
      continue;
    }
    misses = 0;
    if (!output.sequence(anchor, at, at - bestFrom, bestLength)) return undefined;
    const next = at + bestLength;
    if (previous !== undefined) for (at++; at < next && at < end; at++) remember(at);
    else if (next - 2 < end) remember(next - 2);
    at = anchor = next;
  }
  return output.finish(anchor) ? output.take() : undefined;
}

/** Throws `LZ4_MALFORMED` if the block is damaged or holds more than `limitBytes`. */
export function decompressLz4(input: Uint8Array, limitBytes: number): Uint8Array {
  const output = new Uint8Array(limitBytes);
  let at = 0;
  let filled = 0;
  const extended = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let length = nibble;
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= input.length) throw malformed();
      byte = input[at++]!;
    }
    return length;
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = extended(token >> 4);
    if (at + literals > input.length || filled + literals > limitBytes) throw malformed();
    output.set(input.subarray(at, at + literals), filled);
    at += literals;
    filled += literals;
    if (at === input.length) return output.subarray(0, filled);
    if (at + 2 > input.length) throw malformed();
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    const length = extended(token & 15) + minimumMatch;
    if (distance === 0 || distance > filled || filled + length > limitBytes) throw malformed();
    // Byte by byte: a copy may overlap what it makes.
    for (let i = 0; i < length; i++, filled++) output[filled] = output[filled - distance]!;
  }
  throw malformed();
}

class BlockWriter {
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #length = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
    // A result that is not smaller is of no use.
    this.#output = new Uint8Array(input.length);
  }

  sequence(from: number, to: number, distance: number, matchBytes: number): boolean {
    const room = to - from + Math.floor((to - from) / 255) + Math.floor(matchBytes / 255) + 8;
    if (this.#length + room > this.#output.length) return false;
    this.#literals(from, to, Math.min(15, matchBytes - minimumMatch));
    this.#output[this.#length++] = distance & 0xff;
    this.#output[this.#length++] = distance >> 8;
    this.#extend(matchBytes - minimumMatch);
    return true;
  }

  finish(from: number): boolean {
    const literals = this.#input.length - from;
    if (this.#length + literals + Math.floor(literals / 255) + 2 > this.#output.length)
      return false;
    this.#literals(from, this.#input.length, 0);
    return true;
  }

  take(): Uint8Array {
    return this.#output.subarray(0, this.#length);
  }

  #literals(from: number, to: number, lowNibble: number): void {
    const count = to - from;
    this.#output[this.#length++] = (Math.min(15, count) << 4) | lowNibble;
    this.#extend(count);
    this.#output.set(this.#input.subarray(from, to), this.#length);
    this.#length += count;
  }

  #extend(count: number): void {
    if (count < 15) return;
    let left = count - 15;
    for (; left >= 255; left -= 255) this.#output[this.#length++] = 255;
    this.#output[this.#length++] = left;
  }
}

function matchLength(input: Uint8Array, from: number, at: number): number {
  const end = input.length - lastLiterals;
  let length = 0;
  while (at + length < end && input[from + length] === input[at + length]) length++;
  return length;
}

function malformed(): UserError {
  return new UserError('LZ4_MALFORMED', 'A block compressed with LZ4 is damaged', {
    hint: 'Make the image again',
  });
}
