/**
 * Replaces hash parts of store paths in a stream of bytes by others of the same length, and tells
 * where: so content gets the path that follows from it in place of the one that it was built at.
 */

export class HashPartRewriter {
  readonly #replacements: readonly (readonly [Buffer, Buffer])[];
  readonly #length: number;
  #kept: Buffer = Buffer.alloc(0);
  #position = 0;
  /** Where a hash part was replaced, in order, in bytes from the stream's begin. */
  readonly positions: number[] = [];

  /** All of one length, as byte strings. */
  constructor(replacements: ReadonlyMap<string, string>) {
    this.#replacements = [...replacements].map(([from, to]) => [Buffer.from(from, 'latin1'), Buffer.from(to, 'latin1')] as const);
    this.#length = this.#replacements[0]?.[0].length ?? 1;
  }

  /** What of the rewritten stream is certain after these bytes too. */
  update(bytes: Uint8Array): Uint8Array {
    const all = Buffer.concat([this.#kept, bytes]);
    const found: number[] = [];
    for (const [from, to] of this.#replacements) {
      for (let at = all.indexOf(from); at >= 0; at = all.indexOf(from, at + this.#length)) {
        to.copy(all, at);
        found.push(this.#position + at);
      }
    }
    this.positions.push(...found.sort((a, b) => a - b));
    const certain = Math.max(0, all.length - this.#length + 1);
    this.#kept = all.subarray(certain);
    this.#position += certain;
    return all.subarray(0, certain);
  }

  /** The rest of the stream. */
  end(): Uint8Array {
    const rest = this.#kept;
    this.#kept = Buffer.alloc(0);
    return rest;
  }
}
