/**
 * Exported paths: NARs one after the other, each with its path, references and deriver, as
 * `nix-store --export` writes them and `--import` reads them.
 */

import { byteString, bytesOf, concatBytes, Hasher, type Progress } from '#base';
import { NarReader, parseStorePath, type NarVisitor, type StorePath } from '#formats';
import { badExport, hashMismatch } from './errors.ts';
import type { Store, ValidPathInfo } from './store.ts';

/** "NIXE", little-endian. */
const magic = 0x4558494e;
const maximumText = 1 << 16;
const maximumReferences = 1 << 20;

/** The export of the given valid paths, in the given order. */
export async function* exportPaths(store: Store, paths: readonly StorePath[]): AsyncGenerator<Uint8Array, void, void> {
  for (const path of paths) {
    const info = store.queryPathInfo(path) as ValidPathInfo;
    yield number(1);
    const hasher = new Hasher('sha256');
    for await (const piece of store.narOf(path)) {
      hasher.update(piece);
      yield piece.slice();
    }
    const found = hasher.digest();
    if (Buffer.compare(found.bytes, info.narHash.bytes) !== 0) {
      throw hashMismatch(path, Buffer.from(info.narHash.bytes).toString('hex'), Buffer.from(found.bytes).toString('hex'));
    }
    yield concatBytes([
      number(magic), text(path), number(info.references.length), ...info.references.map(text),
      text(info.deriver ?? ''), number(0),
    ]);
  }
  yield number(0);
}

/** Adds all paths of an export; returns them in its order. */
export async function importPaths(
  store: Store, source: AsyncIterable<Uint8Array>, progress?: Progress,
): Promise<StorePath[]> {
  const reader = new ExportReader(source);
  const imported: StorePath[] = [];
  for (;;) {
    const more = await reader.number();
    if (more === 0) return imported;
    if (more !== 1) throw badExport('it does not begin as an export does');
    // What the NAR is stands behind it: it has to be kept until then.
    const nar = await reader.nar();
    if (await reader.number() !== magic) throw badExport('the mark behind an archive is missing');
    const path = parseStorePath(await reader.text(), store.storeDirectory);
    const count = await reader.number();
    if (count > maximumReferences) throw badExport('a path has too many references');
    const references: StorePath[] = [];
    for (let i = 0; i < count; i++) references.push(parseStorePath(await reader.text(), store.storeDirectory));
    const deriver = await reader.text();
    if (await reader.number() === 1) await reader.text();
    const narHash = new Hasher('sha256').update(nar).digest();
    await store.addNar({
      path, narHash, narSizeBytes: nar.length, references: references.sort(), signatures: [],
      ...(deriver === '' ? {} : { deriver: parseStorePath(deriver, store.storeDirectory) }),
    }, once(nar), progress);
    imported.push(path);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = bytesOf(value);
  return concatBytes([number(bytes.length), bytes, new Uint8Array((8 - (bytes.length % 8)) % 8)]);
}

/** Takes numbers, texts and archives off a stream. */
class ExportReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async number(): Promise<number> {
    const bytes = await this.#take(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    if (view.getUint32(4, true) !== 0) throw badExport('a number is out of range');
    return view.getUint32(0, true);
  }

  async text(): Promise<string> {
    const length = await this.number();
    if (length > maximumText) throw badExport('a text is too long');
    const padded = await this.#take(Math.ceil(length / 8) * 8);
    return byteString(padded.subarray(0, length));
  }

  /** The bytes of one archive, checked for its form. */
  async nar(): Promise<Uint8Array> {
    const reader = new NarReader(unseen);
    const pieces: Uint8Array[] = [];
    while (!reader.done) {
      if (this.#buffer.length === 0 && !(await this.#fill())) reader.end();
      const used = reader.write(this.#buffer);
      pieces.push(this.#buffer.slice(0, used));
      this.#buffer = this.#buffer.subarray(used);
    }
    return concatBytes(pieces);
  }

  async #take(length: number): Promise<Uint8Array> {
    while (this.#buffer.length < length) {
      if (!(await this.#fill())) throw badExport('it ends too early');
    }
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  async #fill(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    this.#buffer = concatBytes([this.#buffer, next.value]);
    return true;
  }
}

const unseen: NarVisitor = {
  beginDirectory() {}, endDirectory() {}, beginFile() {}, contents() {}, endFile() {}, symlink() {},
};
