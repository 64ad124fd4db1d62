/** Unpacking a file that is a NAR, as fetchurl does with `unpack`: what its name says is xz is unpacked before. */

import { createReadStream } from 'node:fs';
import { NarReader } from '#formats';
import { bytePath, decompressNar, TreeRestorer } from '#store';

export async function unpackNarFile(file: string, url: string, place: string): Promise<void> {
  const packed = createReadStream(file) as AsyncIterable<Uint8Array>;
  const restorer = new TreeRestorer(bytePath(place));
  try {
    const reader = new NarReader(restorer);
    for await (const piece of decompressNar(url.endsWith('.xz') ? 'xz' : 'none', packed, maximumBytes, url)) {
      reader.write(piece);
    }
    reader.end();
  } finally {
    restorer.abandon();
  }
}

/** An xz file is unpacked in memory: no more than this. */
const maximumBytes = 2 ** 31;
