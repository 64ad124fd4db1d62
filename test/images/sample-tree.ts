/**
 * Trees to make images of, and their comparison: everything a file system can hold that images
 * treat specially, with contents that depend on a seed alone.
 */
import assert from 'node:assert/strict';
import type { ByteSink, ByteSource, TreeEntry } from '#images';
import { MemorySink, bytesSource } from '#images';

export const sampleMtime = 1_700_000_000;

/** Bytes that repeat enough to compress, from a seed. */
export function sampleBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = i % 97 < 60 ? (seed + i) & 0x3f : state >>> 24;
  }
  return bytes;
}

export function file(
  path: string,
  content: Uint8Array | string,
  more: Partial<TreeEntry> = {},
): TreeEntry {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return { ...common(path), type: 'file', mode: 0o644, content: bytesSource(bytes), ...more };
}

export function directory(path: string, mode = 0o755): TreeEntry {
  return { ...common(path), type: 'directory', mode };
}

export function link(path: string, target: string): TreeEntry {
  return { ...common(path), type: 'link', mode: 0o777, target };
}

export function device(
  path: string,
  type: 'char' | 'block',
  major: number,
  minor: number,
): TreeEntry {
  return { ...common(path), type, mode: 0o600, device: { major, minor } };
}

const common = (path: string) => ({ path, uid: 0, gid: 0, mtime: sampleMtime });

/** All kinds of entries; `blockBytes` is the size around which contents vary. */
export function sampleTree(blockBytes = 131072): TreeEntry[] {
  const twin = sampleBytes(blockBytes + 777, 5);
  const sparse = new Uint8Array(blockBytes * 3 + 10);
  sparse.set(sampleBytes(100, 9), blockBytes * 2);
  const entries = [
    directory('', 0o755),
    directory('empty-directory', 0o700),
    file('empty', ''),
    file('short', 'a few bytes\n'),
    file('bin/tool', sampleBytes(5000, 1), { mode: 0o755 }),
    file('block-less-one', sampleBytes(blockBytes - 1, 2)),
    file('block', sampleBytes(blockBytes, 3)),
    file('block-and-one', sampleBytes(blockBytes + 1, 4)),
    file('long', sampleBytes(blockBytes * 5 + 4321, 6)),
    file('twin-a', twin),
    file('deeper/twin-b', twin, { mode: 0o444 }),
    file('sparse', sparse),
    file('zeros', new Uint8Array(blockBytes * 2)),
    file('owned', 'x', { uid: 1000, gid: 100, mode: 0o4755 }),
    file('linked-a', 'one file', { hardLinkKey: 'k' }),
    file('deeper/linked-b', 'one file', { hardLinkKey: 'k' }),
    link('link', '../target/of/./link'),
    link('absolute', '/nix/store/abc'),
    device('dev/console', 'char', 5, 1),
    device('dev/disk', 'block', 259, 300),
    file('a/b/c/d/e/f/g/h/i/j/k/deep.txt', 'deep'),
    file('n'.repeat(255), 'a long name'),
    file('Na\xc3\xafve r\xc3\xa9sum\xc3\xa9.TXT', 'not ASCII'),
    file('UPPER', '1'),
    file('upper', '2'),
  ];
  for (let i = 0; i < 300; i++) entries.push(file(`many/file-${i}`, `content ${i % 40}\n`));
  return entries;
}

/** The list in another order, from a seed. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed >>> 0;
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** What `write` writes. */
export async function bytesOfImage(
  write: (sink: ByteSink) => Promise<unknown>,
): Promise<Uint8Array> {
  const sink = new MemorySink();
  await write(sink);
  return sink.toBytes();
}

export interface CompareOptions {
  /** Entries that only one side has. */
  readonly ignore?: (path: string) => boolean;
  /** What is compared of an entry besides its path, type, content and target. */
  readonly fields?: readonly ('mode' | 'uid' | 'gid' | 'mtime' | 'device')[];
}

/** Checks that two trees are the same. Implied directories of the expected one may be missing. */
export async function checkTree(
  actual: readonly TreeEntry[],
  expected: readonly TreeEntry[],
  options: CompareOptions = {},
): Promise<void> {
  const fields = options.fields ?? ['mode', 'uid', 'gid', 'mtime', 'device'];
  const found = new Map(actual.map((entry) => [entry.path, entry]));
  for (const entry of expected) {
    if (options.ignore?.(entry.path) === true) continue;
    const twin = found.get(entry.path);
    assert.ok(twin !== undefined, `${entry.path} is missing`);
    assert.equal(twin.type, entry.type, entry.path);
    assert.equal(twin.target, entry.target, entry.path);
    for (const field of fields) {
      if (field === 'mode' && entry.type === 'link') continue;
      assert.deepEqual(twin[field], entry[field], `${field} of ${entry.path}`);
    }
    if (entry.content !== undefined) {
      const [left, right] = [await all(twin.content!), await all(entry.content)];
      assert.ok(Buffer.compare(left, right) === 0, `the content of ${entry.path} differs`);
    }
    found.delete(entry.path);
  }
  const parents = new Set(expected.flatMap(({ path }) => parentsOf(path)));
  const extra = [...found.keys()].filter(
    (path) => !parents.has(path) && options.ignore?.(path) !== true,
  );
  assert.deepEqual(extra, []);
}

const all = async (content: ByteSource): Promise<Uint8Array> => content.read(0, content.sizeBytes);

function parentsOf(path: string): string[] {
  const names = path.split('/');
  return names.map((_, i) => names.slice(0, i).join('/'));
}
