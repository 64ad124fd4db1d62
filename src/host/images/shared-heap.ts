/**
 * The heap of an image, read by two threads: the main one begins while the evaluator's is still
 * starting, and that one helps as soon as it can.
 *
 * The machine's heap is shared memory then. Pieces of the image are numbered; who has time takes the
 * next number. None is believed before all have been read and checked.
 */

import { Unkept } from '#runtime';
import type { ImageFile } from './image-file.ts';

/** Travels to the evaluator's thread. */
export interface SharedHeap {
  readonly memory: SharedArrayBuffer;
  /** The next piece, how many have been read, and whether one could not be. */
  readonly state: SharedArrayBuffer;
}

const next = 0;
const read = 1;
const failed = 2;

/** The words of the machine's heap, as an image names them. */
export const heapSection = 'heap';

/** Memory for the heap of an image; undefined where the system does not give it. */
export function newSharedHeap(image: ImageFile): SharedHeap | undefined {
  const { bufferBytes } = image.place(heapSection);
  try {
    return { memory: new SharedArrayBuffer(bufferBytes), state: new SharedArrayBuffer(4 * 3) };
  } catch {
    return undefined;
  }
}

/** Reads pieces until none is left. Never throws. */
export function readPieces(image: ImageFile, shared: SharedHeap): void {
  const state = new Int32Array(shared.state);
  const { byteOffset, bytes, pieceBytes } = image.place(heapSection);
  const heap = new Uint8Array(shared.memory, byteOffset, bytes);
  const count = Math.ceil(bytes / pieceBytes);
  for (;;) {
    const number = Atomics.add(state, next, 1);
    if (number >= count) return;
    try {
      image.readPiece(heapSection, number, heap.subarray(number * pieceBytes, (number + 1) * pieceBytes));
    } catch {
      Atomics.store(state, failed, 1);
    }
    Atomics.add(state, read, 1);
    Atomics.notify(state, read);
  }
}

/** Helps to read the heap, and waits until all of it is there. Throws `Unkept` if it is damaged. */
export function finishReading(image: ImageFile, shared: SharedHeap): void {
  readPieces(image, shared);
  const state = new Int32Array(shared.state);
  const { bytes, pieceBytes } = image.place(heapSection);
  for (let done = Atomics.load(state, read); done < Math.ceil(bytes / pieceBytes); done = Atomics.load(state, read)) {
    Atomics.wait(state, read, done);
  }
  if (Atomics.load(state, failed) !== 0) throw new Unkept('an image that is damaged');
}
