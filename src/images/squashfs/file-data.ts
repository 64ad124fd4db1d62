/**
 * Lays down the contents of files: full blocks one after another, short files together in fragment
 * blocks, equal contents once, blocks of zeros not at all.
 *
 * Two files can only be equal if their sizes are, so only files with a twin in size are hashed.
 * Files with the same `identity` are taken for equal unread. Which of two equal files is laid down
 * follows from the plan's order.
 */
import { createHash } from 'node:crypto';
import type { ByteSource } from '../byte-sink.ts';
import type { TreeEntry } from '../tree.ts';
import type { BlockPipeline } from './block-pipeline.ts';
import { noFragment } from './format.ts';
import type { SquashfsPlan } from './plan.ts';

/** Where a content is; shared by all files that have it. */
export interface FileData {
  readonly sizeBytes: number;
  /** Place of the first block that is not all zeros; 0 if there is none. */
  startBytes: number;
  /** Size words of the blocks; 0 for a block of zeros. */
  readonly blocks: number[];
  /** How many bytes the blocks of zeros stand for. */
  sparseBytes: number;
  fragment: number;
  fragmentOffset: number;
}

export interface FragmentBlock {
  startBytes: number;
  sizeWord: number;
}

export interface LaidData {
  readonly dataOf: ReadonlyMap<TreeEntry, FileData>;
  readonly fragments: readonly FragmentBlock[];
}

/** `onBytes` hears how much content has been dealt with. */
export async function layData(
  plan: SquashfsPlan,
  pipeline: BlockPipeline,
  onBytes: (lengthBytes: number) => void,
): Promise<LaidData> {
  const layer = new DataLayer(plan, pipeline);
  for (const { node, group } of plan.files) {
    await layer.lay(node.entry, group);
    onBytes(node.entry.content!.sizeBytes);
  }
  await layer.finish();
  return layer;
}

class DataLayer implements LaidData {
  readonly dataOf = new Map<TreeEntry, FileData>();
  readonly fragments: FragmentBlock[] = [];
  readonly #plan: SquashfsPlan;
  readonly #pipeline: BlockPipeline;
  readonly #sizesWithTwins: ReadonlySet<number>;
  readonly #byIdentity = new Map<string, FileData>();
  readonly #byDigest = new Map<string, FileData>();
  /** Holds one short file at a time; to allocate for each would keep the collector busy. */
  readonly #scratch: Uint8Array;
  #fragment: Uint8Array | undefined;
  #fragmentBytes = 0;
  #group = '';

  constructor(plan: SquashfsPlan, pipeline: BlockPipeline) {
    this.#plan = plan;
    this.#pipeline = pipeline;
    this.#sizesWithTwins = sizesWithTwins(plan);
    this.#scratch = new Uint8Array(plan.options.blockSizeBytes);
  }

  async lay(entry: TreeEntry, group: string): Promise<void> {
    if (group !== this.#group) await this.#flushFragment();
    this.#group = group;
    const { hardLinkKey, identity } = entry;
    const keys: string[] = [];
    if (hardLinkKey !== undefined) keys.push(`given ${hardLinkKey}`);
    if (identity !== undefined) keys.push(`host ${identity}`);
    const known = keys.map((key) => this.#byIdentity.get(key)).find((data) => data !== undefined);
    const data = known ?? (await this.#dataOf(entry.content!));
    for (const key of keys) this.#byIdentity.set(key, data);
    this.dataOf.set(entry, data);
  }

  async finish(): Promise<void> {
    await this.#flushFragment();
    await this.#pipeline.drain();
  }

  async #dataOf(content: ByteSource): Promise<FileData> {
    if (!this.#sizesWithTwins.has(content.sizeBytes)) return this.#layContent(content, undefined);
    // A short file is read once, for the digest and for the fragment.
    const isShort = content.sizeBytes < this.#plan.options.blockSizeBytes;
    const whole = isShort ? await content.read(0, content.sizeBytes, this.#scratch) : undefined;
    const digest = await digestOf(content, whole);
    const known = this.#byDigest.get(digest);
    if (known !== undefined) return known;
    const data = await this.#layContent(content, whole);
    this.#byDigest.set(digest, data);
    return data;
  }

  async #layContent(content: ByteSource, whole: Uint8Array | undefined): Promise<FileData> {
    const { blockSizeBytes, tailFragments } = this.#plan.options;
    const data: FileData = {
      sizeBytes: content.sizeBytes,
      startBytes: 0,
      blocks: [],
      sparseBytes: 0,
      fragment: noFragment,
      fragmentOffset: 0,
    };
    for (let offset = 0; offset < content.sizeBytes; offset += blockSizeBytes) {
      const length = Math.min(blockSizeBytes, content.sizeBytes - offset);
      const inFragment = length < blockSizeBytes && (offset === 0 || tailFragments);
      if (inFragment) await this.#addFragment(data, whole ?? (await content.read(offset, length, this.#scratch)));
      else await this.#addBlock(data, content, offset, length);
    }
    return data;
  }

  async #addBlock(
    data: FileData,
    content: ByteSource,
    offset: number,
    length: number,
  ): Promise<void> {
    const index = data.blocks.length;
    data.blocks.push(0);
    const buffer = this.#pipeline.takeBuffer();
    const block = await content.read(offset, length, buffer);
    if (isZero(block)) {
      data.sparseBytes += block.length;
      this.#pipeline.giveBack(buffer);
      return;
    }
    await this.#pipeline.push(block, buffer, (start, sizeWord) => {
      // The first block written says where the file begins.
      if (data.startBytes === 0) data.startBytes = start;
      data.blocks[index] = sizeWord;
    });
  }

  async #addFragment(data: FileData, tail: Uint8Array): Promise<void> {
    if (this.#fragmentBytes + tail.length > this.#plan.options.blockSizeBytes) {
      await this.#flushFragment();
    }
    data.fragment = this.fragments.length;
    data.fragmentOffset = this.#fragmentBytes;
    this.#fragment ??= this.#pipeline.takeBuffer();
    this.#fragment.set(tail, this.#fragmentBytes);
    this.#fragmentBytes += tail.length;
  }

  async #flushFragment(): Promise<void> {
    const buffer = this.#fragment;
    if (buffer === undefined) return;
    const block = buffer.subarray(0, this.#fragmentBytes);
    this.#fragment = undefined;
    this.#fragmentBytes = 0;
    const fragment: FragmentBlock = { startBytes: 0, sizeWord: 0 };
    this.fragments.push(fragment);
    await this.#pipeline.push(block, buffer, (start, sizeWord) => {
      fragment.startBytes = start;
      fragment.sizeWord = sizeWord;
    });
  }
}

/** Sizes that two files have which are not already known to be the same. */
function sizesWithTwins(plan: SquashfsPlan): Set<number> {
  const first = new Map<number, string>();
  const twins = new Set<number>();
  for (const [index, { node }] of plan.files.entries()) {
    const size = node.entry.content!.sizeBytes;
    const identity = node.entry.hardLinkKey ?? node.entry.identity ?? `#${index}`;
    const known = first.get(size);
    if (known === undefined) first.set(size, identity);
    else if (known !== identity) twins.add(size);
  }
  return twins;
}

async function digestOf(content: ByteSource, whole: Uint8Array | undefined): Promise<string> {
  const hash = createHash('sha256');
  if (whole !== undefined) return hash.update(whole).digest('base64');
  const chunkBytes = 1 << 20;
  const chunk = new Uint8Array(chunkBytes);
  for (let offset = 0; offset < content.sizeBytes; offset += chunkBytes) {
    hash.update(await content.read(offset, Math.min(chunkBytes, content.sizeBytes - offset), chunk));
  }
  return hash.digest('base64');
}

function isZero(block: Uint8Array): boolean {
  if (block[0] !== 0) return false;
  if (block.byteOffset % 8 === 0 && block.length % 8 === 0) {
    const words = new BigUint64Array(block.buffer, block.byteOffset, block.length / 8);
    return words.every((word) => word === 0n);
  }
  return block.every((byte) => byte === 0);
}
