/**
 * BLAKE3, which Node's OpenSSL lacks: the plain hash of 32 bytes, no key and no derivation.
 *
 * The input is cut into chunks of 1024 bytes, each hashed as a chain of 64-byte blocks; the chunks'
 * values are joined pairwise into a binary tree whose left subtrees are always full. The stack
 * holds one value for each full subtree seen so far: there are as many as one-bits in the number
 * of chunks.
 */

const iv = new Uint32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const chunkLength = 1024;
const blockLength = 64;
const chunkStart = 1;
const chunkEnd = 2;
const parentNode = 4;
const rootNode = 8;

export class Blake3 {
  readonly #chunk = new Uint8Array(chunkLength);
  #filled = 0;
  #chunkCount = 0;
  readonly #stack: Uint32Array[] = [];

  update(data: Uint8Array): this {
    let at = 0;
    while (at < data.length) {
      // A full chunk is closed only when more follows: the last one is treated as the root's child.
      if (this.#filled === chunkLength) this.#closeChunk();
      const take = Math.min(chunkLength - this.#filled, data.length - at);
      this.#chunk.set(data.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
    }
    return this;
  }

  digest(): Uint8Array<ArrayBuffer> {
    const alone = this.#stack.length === 0;
    let value = hashChunk(this.#chunk.subarray(0, this.#filled), this.#chunkCount, alone ? rootNode : 0);
    for (let i = this.#stack.length - 1; i >= 0; i--) {
      value = joinNodes(this.#stack[i] as Uint32Array, value, i === 0 ? rootNode : 0);
    }
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 8; i++) view.setUint32(4 * i, value[i] as number, true);
    return bytes;
  }

  #closeChunk(): void {
    let value = hashChunk(this.#chunk, this.#chunkCount, 0);
    this.#chunkCount++;
    for (let count = this.#chunkCount; count % 2 === 0; count /= 2) {
      value = joinNodes(this.#stack.pop() as Uint32Array, value, 0);
    }
    this.#stack.push(value);
    this.#filled = 0;
  }
}

function hashChunk(chunk: Uint8Array, index: number, lastFlags: number): Uint32Array {
  let value: Uint32Array = iv;
  const blocks = Math.max(1, Math.ceil(chunk.length / blockLength));
  const words = new Uint32Array(16);
  for (let block = 0; block < blocks; block++) {
    const bytes = chunk.subarray(block * blockLength, (block + 1) * blockLength);
    words.fill(0);
    for (let i = 0; i < bytes.length; i++) {
      words[i >> 2] = (words[i >> 2] as number) | ((bytes[i] as number) << (8 * (i & 3)));
    }
    const last = block === blocks - 1;
    const flags = (block === 0 ? chunkStart : 0) | (last ? chunkEnd | lastFlags : 0);
    value = compress(value, words, index, bytes.length, flags);
  }
  return value;
}

function joinNodes(left: Uint32Array, right: Uint32Array, flags: number): Uint32Array {
  const words = new Uint32Array(16);
  words.set(left, 0);
  words.set(right, 8);
  return compress(iv, words, 0, blockLength, parentNode | flags);
}

/** The compression function, cut to the eight words that chain. */
function compress(
  chaining: Uint32Array, block: Uint32Array, counter: number, length: number, flags: number,
): Uint32Array {
  const s = new Uint32Array(16);
  s.set(chaining, 0);
  s.set(iv.subarray(0, 4), 8);
  s[12] = counter >>> 0;
  s[13] = Math.floor(counter / 0x1_0000_0000);
  s[14] = length;
  s[15] = flags;
  let m = block;
  for (let round = 0; round < 7; round++) {
    const w = m;
    mix(s, 0, 4, 8, 12, w[0] as number, w[1] as number);
    mix(s, 1, 5, 9, 13, w[2] as number, w[3] as number);
    mix(s, 2, 6, 10, 14, w[4] as number, w[5] as number);
    mix(s, 3, 7, 11, 15, w[6] as number, w[7] as number);
    mix(s, 0, 5, 10, 15, w[8] as number, w[9] as number);
    mix(s, 1, 6, 11, 12, w[10] as number, w[11] as number);
    mix(s, 2, 7, 8, 13, w[12] as number, w[13] as number);
    mix(s, 3, 4, 9, 14, w[14] as number, w[15] as number);
    m = Uint32Array.from(permutation, (from) => w[from] as number);
  }
  const out = new Uint32Array(8);
  for (let i = 0; i < 8; i++) out[i] = (s[i] as number) ^ (s[i + 8] as number);
  return out;
}

function mix(
  s: Uint32Array, a: number, b: number, c: number, d: number, x: number, y: number,
): void {
  s[a] = (s[a] as number) + (s[b] as number) + x;
  s[d] = rotate((s[d] as number) ^ (s[a] as number), 16);
  s[c] = (s[c] as number) + (s[d] as number);
  s[b] = rotate((s[b] as number) ^ (s[c] as number), 12);
  s[a] = (s[a] as number) + (s[b] as number) + y;
  s[d] = rotate((s[d] as number) ^ (s[a] as number), 8);
  s[c] = (s[c] as number) + (s[d] as number);
  s[b] = rotate((s[b] as number) ^ (s[c] as number), 7);
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
