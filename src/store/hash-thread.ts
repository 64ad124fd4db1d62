/**
 * The thread of a `BackgroundHash`: makes a NAR of the entries that it is told, and hashes it.
 */

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { assert, Hasher } from '#base';
import { maximumNarDepth, NarWriter } from '#formats';
import { type EntryBatch, type HashThreadInput, Place, State } from './background-hash.ts';
import { readLinkBytes, systemPath } from './file-tree.ts';

const { root, shared } = workerData as HashThreadInput;
const numbers = new Int32Array(shared);
const hasher = new Hasher('sha256');
const nar = new NarWriter((bytes) => hasher.update(bytes));
/** The folders that are open, the root first. */
const folders = [root];
const buffer = new Uint8Array(1 << 20);

nar.beginDirectory();
parentPort!.on('message', (batch: EntryBatch) => {
  if (Atomics.load(numbers, Place.state) !== State.running) return;
  try {
    batch.names.forEach((name, i) => add(name, batch.depths[i]!, batch.modes[i]!, batch.sizes[i]!));
    if (batch.isLast) finish();
  } catch {
    end(State.failed);
  }
});

function add(name: string, depth: number, mode: number, sizeBytes: number): void {
  Atomics.add(numbers, Place.progress, 1);
  closeTo(depth);
  const place = `${folders[depth]}/${name}`;
  nar.beginEntry(name);
  const type = mode & constants.S_IFMT;
  if (type === constants.S_IFDIR) {
    assert(depth + 1 < maximumNarDepth, 'a tree that is too deep is left to who can say so');
    nar.beginDirectory();
    folders.push(place);
    return;
  }
  if (type === constants.S_IFLNK) nar.symlink(readLinkBytes(place));
  else if (type === constants.S_IFREG) addFile(place, (mode & 0o100) !== 0, sizeBytes);
  else assert(false, 'a NAR has files, folders and links');
  nar.endEntry();
}

function addFile(place: string, executable: boolean, sizeBytes: number): void {
  // A pipe that has come into the file's place is not waited for: a thread that waits cannot be ended.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = openSync(systemPath(place), flags);
  try {
    nar.beginFile(sizeBytes, executable);
    let left = sizeBytes;
    do {
      // One byte more is asked for than is wanted, to see that there is none.
      const count = readSync(file, buffer, 0, Math.min(left + 1, buffer.length), null);
      assert(count <= left && (count > 0 || left === 0), 'a file that changes is left to who can say so');
      nar.contents(count === buffer.length ? buffer : buffer.subarray(0, count));
      left -= count;
    } while (left > 0);
    nar.endFile(sizeBytes);
  } finally {
    closeSync(file);
  }
}

/** Closes folders until `depth` of them lead to the next entry. */
function closeTo(depth: number): void {
  while (folders.length > depth + 1) {
    folders.pop();
    nar.endDirectory();
    nar.endEntry();
  }
}

function finish(): void {
  closeTo(0);
  nar.endDirectory();
  nar.finish();
  new Uint8Array(shared, Place.digest * 4).set(hasher.digest().bytes);
  end(State.done);
}

function end(state: number): void {
  Atomics.store(numbers, Place.state, state);
  Atomics.notify(numbers, Place.state);
  parentPort!.close();
}
