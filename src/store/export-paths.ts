/**
 * Exported paths: NARs one after the other, each with its path, references and deriver, as
 * `nix-store --export` writes them and `--import` reads them.
 */

import { concatBytes, Hasher, type Progress } from '#base';
import { parseStorePath, type StorePath } from '#formats';
import { badExport, hashMismatch } from './errors.ts';
import { WireReader, WireWriter } from './remote/wire.ts';
import type { Store, ValidPathInfo } from './store.ts';

/** "NIXE", little-endian. */
const magic = 0x4558494e;
const maximumTextBytes = 1 << 16;

/** The export of the given valid paths, in the given order. */
export async function* exportPaths(store: Store, paths: readonly StorePath[]): AsyncGenerator<Uint8Array, void, void> {
  for (const path of paths) {
    const info = store.queryPathInfo(path) as ValidPathInfo;
    yield new WireWriter().number(1).take();
    const hasher = new Hasher('sha256');
    for await (const piece of store.narOf(path)) {
      hasher.update(piece);
      yield piece.slice();
    }
    const found = hasher.digest();
    if (Buffer.compare(found.bytes, info.narHash.bytes) !== 0) {
      throw hashMismatch(path, Buffer.from(info.narHash.bytes).toString('hex'), Buffer.from(found.bytes).toString('hex'));
    }
    yield new WireWriter().number(magic).text(path).texts(info.references).text(info.deriver ?? '').number(0).take();
  }
  yield new WireWriter().number(0).take();
}

/** Adds all paths of an export; returns them in its order. */
export function importPaths(
  store: Store, source: AsyncIterable<Uint8Array>, progress?: Progress,
): Promise<StorePath[]> {
  return importFrom(store, new WireReader(source, badExport), progress);
}

/** As `importPaths`, from a stream in which other things may follow. */
export async function importFrom(store: Store, reader: WireReader, progress?: Progress): Promise<StorePath[]> {
  const imported: StorePath[] = [];
  const readPath = async () => parseStorePath(await reader.text(maximumTextBytes), store.storeDirectory);
  for (;;) {
    const more = await reader.number();
    if (more === 0) return imported;
    if (more !== 1) throw badExport('it does not begin as an export does');
    // What the NAR is stands behind it: it has to be kept until then.
    const pieces: Uint8Array[] = [];
    for await (const piece of reader.nar()) pieces.push(piece.slice());
    const nar = concatBytes(pieces);
    if (await reader.number() !== magic) throw badExport('the mark behind an archive is missing');
    const path = await readPath();
    const references = (await reader.list(readPath)).sort();
    const deriver = await reader.text(maximumTextBytes);
    // A signature of a kind that nobody makes any more.
    if (await reader.flag()) await reader.text(maximumTextBytes);
    const narHash = new Hasher('sha256').update(nar).digest();
    await store.addNar({
      path, narHash, narSizeBytes: nar.length, references, signatures: [],
      ...(deriver === '' ? {} : { deriver: parseStorePath(deriver, store.storeDirectory) }),
    }, once(nar), progress);
    imported.push(path);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
