/**
 * Images of programs in the cache folder: see src/flat/program-image.ts for what they are.
 *
 * An image is a row of segments, each a file that appears by a link, which fails if another process
 * has added one meanwhile; what it would have added is then made again another time. Nothing is ever
 * changed in place, so who reads an image is not disturbed. Images that were not used for longest go
 * first when all take too much. All of it may be deleted at any time; where nothing can be written,
 * nothing is kept. Programs may be secret: the folder is its owner's only.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sha256Hex } from '#base';
import type { Block, ProgramKeeper, StoredSegment } from '#flat';
import type { SegmentFile } from './segment-file.ts';

const require = createRequire(import.meta.url);
/** With what it loads: expressions without files do without. */
const segmentFiles = () => require('./segment-file.ts') as typeof import('./segment-file.ts');

const maximumBytes = 2 ** 29;
/** What is temporary for longer was left by a run that was killed. */
const abandonedMilliseconds = 3600_000;

export class ProgramFolder implements ProgramKeeper {
  readonly #folder: string;
  readonly #program: string;
  #image = '';
  #segments: SegmentFile[] = [];

  /** `program` tells the Firn that runs from others. */
  constructor(cacheDirectory: string, program: string) {
    this.#folder = join(cacheDirectory, 'programs');
    this.#program = program;
  }

  open(key: string): readonly StoredSegment[] {
    this.#image = sha256Hex(`${this.#program}\n${key}`).slice(0, 32);
    const { noSegment, SegmentFile } = segmentFiles();
    try {
      for (let number = 0; ; number++) {
        const segment = SegmentFile.open(this.#place(number), this.#segments.at(-1)?.name ?? noSegment);
        if (segment === undefined) break;
        this.#segments.push(segment);
      }
      this.#discardFrom(this.#segments.length);
    } catch (error) {
      // There are no more, or it is another user's. One in our folder that we may not read would stay
      // in the way.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') this.#discardFrom(this.#segments.length);
    }
    this.#touch();
    return this.#segments;
  }

  add(index: Block, pieces: Iterable<Block>): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const { noSegment, writeSegment } = segmentFiles();
      const number = this.#segments.length;
      if (existsSync(this.#place(number))) return;
      writeSegment(this.#place(number), this.#segments.at(-1)?.name ?? noSegment, index, pieces);
      this.#prune();
    } catch {
      // A cache that cannot be written is done without.
    }
  }

  discard(): void {
    this.#discardFrom(0);
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
    this.#segments = [];
  }

  #place(number: number): string {
    return join(this.#folder, `${this.#image}.${number}`);
  }

  /** The last ones first, so that no row has a gap. */
  #discardFrom(first: number): void {
    try {
      let end = first;
      while (existsSync(this.#place(end))) end++;
      while (end > first) rmSync(this.#place(--end), { force: true });
    } catch {
      // They are of no use, and do no harm.
    }
  }

  /** Says that the image was used. */
  #touch(): void {
    if (this.#segments.length === 0) return;
    try {
      const now = new Date();
      utimesSync(this.#place(0), now, now);
    } catch {
      // Then it may go before its time.
    }
  }

  /** Removes what killed runs left, and the images that were not used for longest if there is too much. */
  #prune(): void {
    const files = readdirSync(this.#folder).map((name) => {
      const { mtimeMs, size } = statSync(join(this.#folder, name));
      return { name, mtimeMs, size };
    });
    const old = Date.now() - abandonedMilliseconds;
    for (const { name, mtimeMs } of files) {
      if (mtimeMs < old && !/^[0-9a-f]+\.\d+$/.test(name)) rmSync(join(this.#folder, name), { force: true });
    }
    if (files.reduce((sum, { size }) => sum + size, 0) <= maximumBytes) return;
    const images = new Map<string, { used: number; size: number; names: string[] }>();
    for (const { name, mtimeMs, size } of files) {
      const image = name.replace(/\..*$/, '');
      const { used, size: before, names } = images.get(image) ?? { used: 0, size: 0, names: [] };
      images.set(image, { used: Math.max(used, mtimeMs), size: before + size, names: [...names, name] });
    }
    let kept = 0;
    for (const [image, { size, names }] of [...images].sort(([, one], [, other]) => other.used - one.used)) {
      kept += size;
      if (kept <= maximumBytes / 2 || image === this.#image) continue;
      for (const name of names.sort().reverse()) rmSync(join(this.#folder, name), { force: true });
    }
  }
}
