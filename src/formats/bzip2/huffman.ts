/** Huffman codes of limited length, canonical as bzip2 has them: shorter first, then by symbol. */

/** The code lengths for symbols of these frequencies; every symbol gets a code. */
export function codeLengths(frequencies: ArrayLike<number>, longest: number): Uint8Array {
  // A symbol that does not occur has a code all the same: tables are shared.
  let weights = Array.from(frequencies, (frequency) => Math.max(1, frequency));
  for (;;) {
    const lengths = unlimitedLengths(weights);
    if (Math.max(...lengths) <= longest) return lengths;
    // Flatter frequencies make a flatter tree.
    weights = weights.map((weight) => (weight >>> 1) + 1);
  }
}

function unlimitedLengths(weights: readonly number[]): Uint8Array {
  const count = weights.length;
  const leaves = weights.map((weight, symbol) => ({ weight, symbol })).sort((a, b) => a.weight - b.weight);
  // Joined nodes come in ascending weight by themselves: two queues are enough.
  const nodes: number[] = leaves.map(({ weight }) => weight);
  const parents = new Int32Array(2 * count);
  let [leaf, joined] = [0, count];
  const lightest = (): number =>
    (leaf < count && (joined >= nodes.length || nodes[leaf]! <= nodes[joined]!) ? leaf++ : joined++);
  while (nodes.length < 2 * count - 1) {
    const [a, b] = [lightest(), lightest()];
    parents[a] = parents[b] = nodes.length;
    nodes.push(nodes[a]! + nodes[b]!);
  }
  const depths = new Uint8Array(2 * count);
  for (let node = 2 * count - 3; node >= 0; node--) depths[node] = depths[parents[node]!]! + 1;
  const lengths = new Uint8Array(count);
  leaves.forEach(({ symbol }, at) => { lengths[symbol] = Math.max(1, depths[at]!); });
  return lengths;
}

/** The codes for these lengths. */
export function canonicalCodes(lengths: Uint8Array): Uint32Array {
  const codes = new Uint32Array(lengths.length);
  let code = 0;
  for (let length = 1; length <= Math.max(...lengths); length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) codes[symbol] = code++;
    code <<= 1;
  }
  return codes;
}
