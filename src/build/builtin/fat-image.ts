/**
 * `builtin:fat-image`: a FAT file system, as firmware wants its system partition.
 *
 * Attributes: `contents` (a list of {source, target}, files or directories), `volumeLabel`, `size`
 * in bytes (default: what the files need and `freeBytes`), `kind` (12, 16 or 32; default: the
 * simplest that fits). The output is the image file.
 */
import type { FatKind } from '#images';
import { planFat, writeFat } from '#images';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { FileSink } from '../io/file-sink.ts';
import { graftEntries } from '../io/graft.ts';

/** 1 January 1980, where the dates of FAT begin. */
const mtime = 315532800;

export const fatImageBuilder: BuiltinBuilder = {
  name: 'builtin:fat-image',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:fat-image');
    const entries = graftEntries(
      attributes.list('contents'),
      (path) => job.inputs.physicalPath(path),
      mtime,
    );
    const kind = attributes.number('kind', undefined);
    const sizeBytes = attributes.number('size', undefined);
    if (kind !== undefined && ![12, 16, 32].includes(kind)) {
      throw attributes.error('needs 12, 16 or 32 as kind', kind);
    }
    const plan = planFat(entries, {
      label: attributes.string('volumeLabel'),
      freeBytes: attributes.number('freeBytes', 0),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(kind === undefined ? {} : { kind: kind as FatKind }),
    });
    const sink = new FileSink(job.outputs.get('out')!);
    await writeFat(plan, sink, () => job.signal.throwIfAborted());
    sink.close();
  },
};
