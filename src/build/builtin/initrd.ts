/**
 * `builtin:initrd`: the initial file system of a kernel, as a compressed cpio archive.
 *
 * Attributes: `contents`, a list of entries {path, type, mode?, uid?, gid?, …} where type is `file`
 * (`text` or `source`), `tree` (everything in the directory `source`), `link` (`target`),
 * `directory`, `char` or `block` (`major`, `minor`); `compression` ("zstd -19", "gzip -9", "xz -6", "none");
 * `prepend`, ready archives that go before it as they are (microcode, another initrd). Later entries win over what
 * a `tree` brought before. The output is a directory with the file `initrd`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TreeEntry } from '#images';
import { bytesSource, copySource, planArchive, writeArchive, writeZeros } from '#images';
import { bytesOf } from '#base';
import { Attributes } from '../io/attributes.ts';
import { compressingSink, parseStreamCompression } from '../io/compressing-sink.ts';
import { FileSink } from '../io/file-sink.ts';
import { hostFile, hostTree } from '../io/host-tree.ts';
import type { PhysicalPath } from '../io/inputs.ts';
import { followInput } from '../io/inputs.ts';
import type { BuiltinBuilder } from '../builtin-builder.ts';

/** Everything in an initrd is dated as in the store. */
const mtime = 1;

export const initrdBuilder: BuiltinBuilder = {
  name: 'builtin:initrd',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:initrd');
    const physicalPath: PhysicalPath = (path) => job.inputs.physicalPath(path);
    const compression = parseStreamCompression(attributes.string('compression', 'zstd -19'));
    const plan = planArchive(contentEntries(attributes.list('contents'), physicalPath));
    const out = job.outputs.get('out')!;
    mkdirSync(out);
    const file = new FileSink(join(out, 'initrd'));
    for (const archive of attributes.strings('prepend')) {
      await copySource(file, hostFile(followInput(archive, physicalPath)));
      // The kernel looks for the next archive at a multiple of four, past zeros.
      await writeZeros(file, -file.positionBytes & 511);
    }
    const activity = job.progress.start('compress', 'initrd', {
      total: plan.contentBytes,
      unit: 'bytes',
    });
    const sink = compressingSink(file, compression);
    await writeArchive(plan, sink, (length) => {
      job.signal.throwIfAborted();
      activity.advance(length);
    });
    await sink.end();
    file.close();
    activity.finish();
  },
};

/**
 * The entries that a `contents` or `entries` attribute describes. An explicit entry replaces one
 * that an earlier tree brought to the same path.
 */
export function contentEntries(
  contents: readonly Attributes[],
  physicalPath: PhysicalPath,
): TreeEntry[] {
  const byPath = new Map<string, TreeEntry>();
  for (const attributes of contents) {
    for (const entry of entriesOf(attributes, physicalPath)) byPath.set(entry.path, entry);
  }
  return [...byPath.values()];
}

function entriesOf(attributes: Attributes, physicalPath: PhysicalPath): TreeEntry[] {
  const path = attributes.string('path').replace(/^\/+|\/+$/g, '');
  const common = {
    path,
    uid: attributes.number('uid', 0),
    gid: attributes.number('gid', 0),
    mtime,
  };
  const mode = attributes.mode('mode');
  const type = attributes.string('type', 'file');
  switch (type) {
    case 'file': {
      if (attributes.has('text')) {
        const content = bytesSource(bytesOf(attributes.string('text')));
        return [{ ...common, type, mode: mode ?? 0o644, content }];
      }
      const source = followInput(attributes.string('source'), physicalPath);
      const [entry] = hostTree(source, path, { mtime });
      return [{ ...entry!, ...common, mode: mode ?? entry!.mode }];
    }
    case 'tree':
      return hostTree(followInput(attributes.string('source'), physicalPath), path, { mtime });
    case 'link':
      return [{ ...common, type, mode: 0o777, target: attributes.string('target') }];
    case 'directory':
      return [{ ...common, type, mode: mode ?? 0o755 }];
    case 'char':
    case 'block': {
      const device = { major: attributes.number('major'), minor: attributes.number('minor') };
      return [{ ...common, type, mode: mode ?? 0o600, device }];
    }
    default:
      throw attributes.error('needs file, tree, link, directory, char or block as type', type);
  }
}
