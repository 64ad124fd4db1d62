/**
 * Images of evaluations in the cache folder, one for each question: see docs/caches.md.
 *
 * They are large, so few are kept, those that were not used for longest go first, and none is made
 * where the disk has little room. All of them may be deleted at any time; where nothing can be
 * written, nothing is kept. What was evaluated may be secret: the folder is its owner's only.
 */

import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineImage } from '#flat';
import { Unkept } from '#runtime';
import type { ThreadInput } from '../worker/protocol.ts';
import { ImageFile, writeImage } from './image-file.ts';

export type { ImageFile };

const maximumBytes = 2 ** 31;
const maximumImages = 6;
/** What is temporary for longer was left by a run that was killed. */
const abandonedMilliseconds = 3600_000;

export class ImageFolder {
  readonly #folder: string;

  constructor(cacheDirectory: string) {
    this.#folder = join(cacheDirectory, 'images');
  }

  /** The image of that name for a question, if it is whole. */
  open(question: string, name: string): ImageFile | undefined {
    const place = join(this.#folder, question);
    const image = ImageFile.open(place, name);
    if (image !== undefined) touch(place);
    return image;
  }

  /** Keeps an image, in the place of an older one; whether it could be. */
  save(question: string, name: string, image: MachineImage): boolean {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      // The older one is of no use any more, and its room may be wanted.
      this.remove(question);
      if (bytesOf(image) > this.#room() / 4) return false;
      writeImage(join(this.#folder, question), name, image);
      this.#prune(question);
      return true;
    } catch {
      // A cache that cannot be written is done without.
      return false;
    }
  }

  remove(question: string): void {
    try {
      rmSync(join(this.#folder, question), { force: true });
    } catch {
      // It is not believed without its result, and goes with the old.
    }
  }

  /** Bytes that the disk has left for us. */
  #room(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  #prune(newest: string): void {
    const files = readdirSync(this.#folder).map((name) => {
      const { mtimeMs, size } = statSync(join(this.#folder, name));
      return { name, mtimeMs, size };
    });
    const old = Date.now() - abandonedMilliseconds;
    const images = files.filter(({ name }) => !name.includes('.'));
    const left = files.filter(({ name, mtimeMs }) => name.includes('.') && mtimeMs < old);
    images.sort((a, b) => Number(b.name === newest) - Number(a.name === newest) || b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    images.forEach(({ name, size }, index) => {
      bytes += size;
      if (index > 0 && (index >= maximumImages || bytes > maximumBytes)) this.remove(name);
    });
    for (const { name } of left) this.remove(name);
  }
}

function bytesOf({ words, texts }: MachineImage): number {
  let bytes = 0;
  for (const { byteLength } of words.values()) bytes += byteLength;
  for (const { length } of texts.values()) bytes += length;
  return bytes;
}

/** Says that an image was used. */
function touch(place: string): void {
  try {
    const now = new Date();
    utimesSync(place, now, now);
  } catch {
    // Then it may go before its time.
  }
}

/** The image that an evaluation is to go on from, if it is; throws `Unkept` if it is not there any more. */
export function openImage(input: ThreadInput): ImageFile | undefined {
  const { revision, cacheDirectory, sharedHeap } = input;
  if (revision?.kind !== 'again') return undefined;
  const image = new ImageFolder(cacheDirectory).open(revision.question, revision.basis.image);
  if (image === undefined) throw new Unkept('an image that is gone');
  image.shared = sharedHeap;
  return image;
}
