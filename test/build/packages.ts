/** .deb files made in memory, good ones and ones that nobody should unpack. */

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { pack, type Header } from 'tar-stream';

export type TarItem = Partial<Header> & { readonly name: string; readonly content?: string };

/** A tar archive of the items, as they are. */
export async function makeTar(items: readonly TarItem[]): Promise<Buffer> {
  const stream = pack();
  for (const { content, ...header } of items) stream.entry({ mtime: new Date(0), ...header } as Header, content ?? '');
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export type Compression = 'xz' | 'zst' | 'gz' | '';

/** A package with these files. */
export async function makeDeb(items: readonly TarItem[], compression: Compression = 'xz'): Promise<Buffer> {
  const control = gzipSync(await makeTar([{ name: './control', content: 'Package: x\n' }]));
  const data = await compress(await makeTar(items), compression);
  return makeAr([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', control],
    [compression === '' ? 'data.tar' : `data.tar.${compression}`, data],
  ]);
}

export function makeAr(members: readonly (readonly [name: string, data: Buffer])[]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, data] of members) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
    parts.push(Buffer.from(header), data, Buffer.alloc(data.length % 2, '\n'));
  }
  return Buffer.concat(parts);
}

async function compress(data: Buffer, compression: Compression): Promise<Buffer> {
  const bytes = Uint8Array.from(data);
  switch (compression) {
    case 'xz': return Buffer.from(await xz.compress(bytes));
    case 'zst': return zstdCompressSync(bytes);
    case 'gz': return gzipSync(bytes);
    case '': return data;
  }
}
