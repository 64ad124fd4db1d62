/**
 * Logs: what running thunks made, and of what.
 *
 * While it is noted what thunks read (notes.ts), each cell that one makes goes on a stack: frames,
 * thunks, functions, literals, calls that were suspended, lists, sets, strings. Of a thunk that read
 * nothing that may change this is forgotten; else it is kept beside its record. When such a thunk is
 * run again, its log makes it meet the cells that it made before (known-cells.ts), so that whatever
 * holds those sees no change.
 *
 * An entry begins with a word whose two lowest bits say what it is: 0 a kind of its own and the
 * word made; 1 a thunk: node, frame, word; 2 what a node made: node, made; 3 the same with what it
 * was made of. Nodes are below 2^30, so a node fits beside these bits.
 */

import { cannotKeep } from './errors.ts';
import { heap, LOG, logEnd, logStart, READER, type Index, type Word } from './heap.ts';
import type { ImageReader, ImageWriter } from './image-parts.ts';

const H = heap;

/** Kinds of what no node tells. */
export const Made = {
  list: 4, set: 8, string: 12, box: 16, named: 20, partial: 24, apply: 28, lambda: 32,
} as const;

/** Longer logs are not kept: what runs again then makes all its cells anew. */
const longestLog = 2 ** 20;
const keptWords = 2 ** 28;

/** Logs of thunks that have ended. Only touched pages take memory. */
let keptLogs = new Int32Array(0);
let keptTop = 0;

/** Of an image, how many words of logs it has, and which pieces of them have been read. */
let storedWords = 0;
let storedLogs: ImageReader['stored'] | undefined;
let readPieces = new Uint8Array(0);
const pieceWords = 2 ** 14;

/** Forgets all logs, and makes room for new ones. */
export function clearLogs(): void {
  if (keptLogs.length === 0) keptLogs = new Int32Array(keptWords);
  keptTop = 0;
  storedWords = 0;
}

/** Gives the memory of logs back. */
export function releaseLogs(): void {
  keptLogs = new Int32Array(0);
  keptTop = 0;
}

export function loggedWords(): number {
  return keptTop;
}

function room(words: number): Index {
  const at = H[LOG]!;
  if (at + words > logEnd) return roomOfRoot(words);
  H[LOG] = at + words;
  return at;
}

/** The log of what runs outside of all thunks is of use for an image only. */
function roomOfRoot(words: number): Index {
  if (H[READER] !== 0) throw new RangeError('a log is too long');
  cannotKeep('a log that is too long');
  H[LOG] = logStart + words;
  return logStart;
}

/** Something of a kind of its own. */
export function logKind(kind: number, made: Word): void {
  const at = room(2);
  H[at] = kind;
  H[at + 1] = made;
}

export function logThunk(node: Index, frame: Index, thunk: Word): void {
  const at = room(3);
  H[at] = (node << 2) | 1;
  H[at + 1] = frame;
  H[at + 2] = thunk;
}

/** What a node made, which tells itself what it was made of. */
export function logMade(node: Index, made: Index): void {
  const at = room(2);
  H[at] = (node << 2) | 2;
  H[at + 1] = made;
}

/** What a node made of something. */
export function logMadeOf(node: Index, of: Word, made: Word): void {
  const at = room(3);
  H[at] = (node << 2) | 3;
  H[at + 1] = of;
  H[at + 2] = made;
}

/** Keeps what was logged since `base`, and takes it from the stack. The words kept. */
export function keepLog(base: Index): number {
  let count = H[LOG]! - base;
  if (count > longestLog) count = 0;
  if (keptTop + count > keptLogs.length) throw new RangeError('no room for more logs');
  const to = keptLogs;
  const top = keptTop;
  for (let i = 0; i < count; i++) to[top + i] = H[base + i]!;
  keptTop = top + count;
  H[LOG] = base;
  return count;
}

/** Receives the entries of a log. */
export interface LogReader {
  kind(kind: number, made: Word): void;
  thunk(node: Index, frame: Index, thunk: Word): void;
  made(node: Index, made: Index): void;
  madeOf(node: Index, of: Word, made: Word): void;
}

/** Reads `count` words of kept logs from `start` on. */
export function readLog(start: number, count: number, reader: LogReader): void {
  if (start < storedWords) readStored(start, count);
  let at = start;
  while (at < start + count) {
    const head = keptLogs[at]!;
    const first = keptLogs[at + 1]!;
    switch (head & 3) {
      case 0:
        reader.kind(head, first);
        at += 2;
        break;
      case 1:
        reader.thunk(head >>> 2, first, keptLogs[at + 2]!);
        at += 3;
        break;
      case 2:
        reader.made(head >>> 2, first);
        at += 2;
        break;
      default:
        reader.madeOf(head >>> 2, first, keptLogs[at + 2]!);
        at += 3;
    }
  }
}

/** Keeps all logs, and that of what ran outside of all thunks. */
export function saveLogs(image: ImageWriter): void {
  image.numbers('logs', keptLogs.subarray(0, keptTop));
  image.numbers('root-log', H.subarray(logStart, H[LOG]));
}

/** Takes the logs of an image, which are read when they are wanted; where the last of them is and ends. */
export function restoreLogs({ stored }: ImageReader): { readonly start: number; readonly count: number } {
  clearLogs();
  storedLogs = stored;
  storedWords = stored.wordCount('logs');
  readPieces = new Uint8Array(Math.ceil(storedWords / pieceWords));
  const count = stored.wordCount('root-log');
  keptTop = storedWords + count;
  stored.readWords('root-log', 0, keptLogs.subarray(storedWords, keptTop));
  return { start: storedWords, count };
}

function readStored(start: number, count: number): void {
  for (let piece = Math.floor(start / pieceWords); piece * pieceWords < start + count; piece++) {
    if (readPieces[piece] !== 0) continue;
    readPieces[piece] = 1;
    const from = piece * pieceWords;
    storedLogs!.readWords('logs', from, keptLogs.subarray(from, Math.min(from + pieceWords, storedWords)));
  }
}
