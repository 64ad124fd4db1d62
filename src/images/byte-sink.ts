/**
 * Where an image goes, and where one is read from: the only doors of this layer to the world.
 *
 * A writer makes one sequential pass; what it learns too late (a superblock's table of offsets) it
 * patches into bytes that it has already written. Files on disk are adapted outside this layer.
 */

export interface ByteSink {
  /** Appends. The sink may keep the bytes: the caller does not change them afterwards. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Replaces bytes that were written before. */
  patch(offsetBytes: number, bytes: Uint8Array): void | Promise<void>;
  /** How much has been appended. */
  readonly positionBytes: number;
}

/** Bytes that can be read at any place: an image, or a file's content. */
export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * Exactly these bytes; throws where the source ends before. They may be read into the start of
   * `into`, which has room for them; else the result may be a view that must not be changed.
   */
  read(
    offsetBytes: number,
    lengthBytes: number,
    into?: Uint8Array,
  ): Uint8Array | Promise<Uint8Array>;
}

/** A sink in memory, for tests and small images. */
export class MemorySink implements ByteSink {
  readonly #chunks: Uint8Array[] = [];
  readonly #patches: { offset: number; bytes: Uint8Array }[] = [];
  positionBytes = 0;

  write(bytes: Uint8Array): void {
    this.#chunks.push(bytes.slice());
    this.positionBytes += bytes.length;
  }

  patch(offsetBytes: number, bytes: Uint8Array): void {
    this.#patches.push({ offset: offsetBytes, bytes: bytes.slice() });
  }

  toBytes(): Uint8Array {
    const all = new Uint8Array(this.positionBytes);
    let position = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, position);
      position += chunk.length;
    }
    for (const { offset, bytes } of this.#patches) all.set(bytes, offset);
    return all;
  }
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) {
        throw new RangeError(`bytes ${offset} to ${offset + length} of ${bytes.length}`);
      }
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** A part of a source. */
export function sliceSource(
  source: ByteSource,
  offsetBytes: number,
  sizeBytes: number,
): ByteSource {
  return { sizeBytes, read: (offset, length) => source.read(offsetBytes + offset, length) };
}

/** Appends zeros. */
export async function writeZeros(sink: ByteSink, count: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(count, 1 << 20));
  for (let left = count; left > 0; left -= zeros.length) {
    await sink.write(left < zeros.length ? zeros.subarray(0, left) : zeros);
  }
}

/** Appends a whole source in chunks; `onChunk` hears each length. */
export async function copySource(
  sink: ByteSink,
  source: ByteSource,
  onChunk: (lengthBytes: number) => void = () => {},
): Promise<void> {
  const chunkBytes = 4 << 20;
  for (let offset = 0; offset < source.sizeBytes; offset += chunkBytes) {
    const length = Math.min(chunkBytes, source.sizeBytes - offset);
    await sink.write(await source.read(offset, length));
    onChunk(length);
  }
}
