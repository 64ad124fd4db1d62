/**
 * The Burrows-Wheeler transform of bzip2: the last bytes of all rotations of a block, in the order of
 * the rotations, and where the block itself stands among them.
 *
 * Rotations are sorted by ever longer beginnings (prefix doubling): once they are in order by their
 * first `h` bytes, the order of what follows those is known too, so that one counting sort orders
 * them by `2h`. That takes a number of passes that grows with the logarithm of the longest
 * repetition, whatever the data; a sort by comparison would take for ever on a log of equal lines.
 */

export interface Transformed {
  readonly last: Uint8Array;
  /** The place of the rotation that is the block itself. */
  readonly origin: number;
}

export function burrowsWheeler(block: Uint8Array): Transformed {
  const count = block.length;
  const order = sortRotations(block);
  const last = new Uint8Array(count);
  let origin = 0;
  for (let i = 0; i < count; i++) {
    const start = order[i] as number;
    if (start === 0) origin = i;
    last[i] = block[start === 0 ? count - 1 : start - 1] as number;
  }
  return { last, origin };
}

/** Where each rotation starts, in their order; equal ones in any. */
function sortRotations(block: Uint8Array): Int32Array {
  const count = block.length;
  let order = new Int32Array(count);
  let next = new Int32Array(count);
  let ranks = new Int32Array(count);
  let nextRanks = new Int32Array(count);
  const heads = new Int32Array(Math.max(count, pairs) + 1);
  // By the first two bytes.
  const pairAt = (i: number): number =>
    ((block[i] as number) << 8) | (block[i + 1 === count ? 0 : i + 1] as number);
  for (let i = 0; i < count; i++) heads[pairAt(i) + 1]!++;
  for (let pair = 0; pair < pairs; pair++) heads[pair + 1]! += heads[pair]!;
  for (let i = 0; i < count; i++) order[heads[pairAt(i)]!++] = i;
  let classes = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && pairAt(order[i]!) !== pairAt(order[i - 1]!)) classes++;
    ranks[order[i]!] = classes;
  }
  for (let length = 2; classes < count - 1 && length < count; length *= 2) {
    // Those that start `length` before: in order by their second halves already.
    for (let i = 0; i < count; i++) {
      const start = order[i]! - length;
      next[i] = start < 0 ? start + count : start;
    }
    heads.fill(0, 0, classes + 2);
    for (let i = 0; i < count; i++) heads[ranks[i]! + 1]!++;
    for (let rank = 0; rank <= classes; rank++) heads[rank + 1]! += heads[rank]!;
    for (let i = 0; i < count; i++) {
      const start = next[i]!;
      order[heads[ranks[start]!]!++] = start;
    }
    classes = 0;
    nextRanks[order[0]!] = 0;
    for (let i = 1; i < count; i++) {
      const [one, before] = [order[i]!, order[i - 1]!];
      const differ = ranks[one] !== ranks[before]
        || ranks[one + length >= count ? one + length - count : one + length]
          !== ranks[before + length >= count ? before + length - count : before + length];
      if (differ) classes++;
      nextRanks[one] = classes;
    }
    [ranks, nextRanks] = [nextRanks, ranks];
  }
  return order;
}

const pairs = 1 << 16;
