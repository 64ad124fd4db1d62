/**
 * `builtin:unpack-deb`: the files of a Debian package, as a tree.
 *
 * Attributes: `src` (the .deb file). No script of the package runs. Owners and special permission
 * bits are dropped, as everywhere in the store. Where the package has `usr/bin`, the tree gets a
 * link `bin` to it, and so for sbin, lib, share, include and libexec.
 *
 * The NAR hash is taken from the bytes in memory while they are written, so that committing the
 * output need not read them again.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { UserError } from '#base';
import {
  NarWriter,
  planUnpacking,
  readDeb,
  readTar,
  sortedNames,
  xzContentLength,
  type DebMember,
  type UnpackDirectory,
  type UnpackNode,
} from '#formats';
import { CopyingWriter, TreeRestorer, bytePath } from '#store';
import type { OutputMeasure } from '../builtin-builder.ts';
import { threadedBuilder, type ThreadJob, type ThreadMeasures } from '../threaded-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { usrNames, usrTarget } from '../io/usr-layout.ts';

// The largest packages of Debian unpack to some 6 GB; nothing genuine comes near this.
const limitBytes = 16 * 2 ** 30;

export const unpackDebBuilder = threadedBuilder('builtin:unpack-deb', import.meta.url, {
  kind: 'unpack',
});

export function buildInThread(job: ThreadJob): ThreadMeasures {
  const source = new Attributes(job.structuredAttrs, 'builtin:unpack-deb').string('src');
  const parts = readDeb(readFileSync(job.physicalPath(source)), source);
  const tree = planUnpacking(readTar(decompress(parts.data, source), source), source);
  addUsrLinks(tree);
  return new Map([['out', writeMeasured(job.outputs.get('out') as string, tree)]]);
}

/** Writes a tree in canonical form and hashes its NAR on the way. */
function writeMeasured(out: string, tree: UnpackDirectory): OutputMeasure {
  const hash = createHash('sha256');
  let narSizeBytes = 0;
  const nar = new NarWriter((bytes) => {
    hash.update(bytes);
    narSizeBytes += bytes.length;
  });
  tell(new CopyingWriter(nar, new TreeRestorer(bytePath(out))), tree);
  nar.finish();
  return { narSha256: new Uint8Array(hash.digest()), narSizeBytes };
}

function tell(writer: CopyingWriter, node: UnpackNode): void {
  switch (node.type) {
    case 'file':
      writer.beginFile(node.data.length, node.executable);
      writer.contents(node.data);
      writer.endFile(node.data.length);
      break;
    case 'symlink':
      writer.symlink(node.target);
      break;
    case 'directory':
      writer.beginDirectory();
      for (const name of sortedNames(node)) {
        writer.beginEntry(name);
        tell(writer, node.children.get(name) as UnpackNode);
        writer.endEntry();
      }
      writer.endDirectory();
      break;
  }
}

function addUsrLinks(tree: UnpackDirectory): void {
  const usr = tree.children.get('usr');
  if (usr?.type !== 'directory') return;
  for (const name of usrNames) {
    if (usr.children.get(name)?.type !== 'directory' || tree.children.has(name)) continue;
    tree.children.set(name, { type: 'symlink', target: usrTarget(name) });
  }
}

function decompress(member: DebMember, what: string): Uint8Array {
  const { compression, data } = member;
  try {
    switch (compression) {
      case 'none':
        return data;
      case 'xz': {
        const length = xzContentLength(data, what);
        if (length > limitBytes) throw tooLarge(what);
        const bytes = xz.decompressSync(data);
        if (bytes.length !== length) throw damaged(what, 'its xz stream is not as long as its index says');
        return bytes;
      }
      case 'zstd':
        return zstdDecompressSync(data, { maxOutputLength: limitBytes });
      case 'gzip':
        return gunzipSync(data, { maxOutputLength: limitBytes });
      default:
        throw damaged(what, `its compression ${compression} is not supported`);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw damaged(what, error instanceof Error ? error.message : String(error));
  }
}

function tooLarge(what: string): UserError {
  return damaged(what, `it would unpack to more than ${limitBytes} bytes`);
}

function damaged(what: string, reason: string): UserError {
  return new UserError('MALFORMED_ARCHIVE', `The package ${what} cannot be unpacked: ${reason}`, {
    hint: 'remove it from the store and build again, so that it is downloaded anew',
  });
}
