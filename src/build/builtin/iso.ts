/**
 * `builtin:iso`: an ISO 9660 image that boots from CD and from disk.
 *
 * Attributes, named as in nixpkgs: `isoName`, `volumeID`, `contents` (a list of {source, target}),
 * `bootImage` (the BIOS boot image's path in the image), `efiBootImage` (the EFI system partition's
 * path among the targets), `isohybridMbrImage` (boot code for a disk); and `compression` of the whole
 * as an initrd's. The output has `iso/NAME`, `iso/cd.iso` linked to it, and `nix-support`.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IsoOptions, TreeEntry } from '#images';
import { planIso, writeIso } from '#images';
import type { BuiltinBuilder, BuiltinJob } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { compressingSink, parseStreamCompression } from '../io/compressing-sink.ts';
import { FileSink } from '../io/file-sink.ts';
import { graftEntries, imagePath } from '../io/graft.ts';
import { followInput } from '../io/inputs.ts';

/** Everything in the image is dated as in the store. */
const mtime = 1;
/** What the image's name ends in when it is compressed as a whole. */
const endings = { none: '', gzip: '.gz', xz: '.xz', zstd: '.zst' } as const;

export const isoBuilder: BuiltinBuilder = {
  name: 'builtin:iso',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:iso');
    const physicalPath = (path: string): string => job.inputs.physicalPath(path);
    const entries = graftEntries(attributes.list('contents'), physicalPath, mtime);
    const plan = planIso(...planInput(entries, attributes, job));
    const compression = parseStreamCompression(attributes.string('compression', 'none'));
    const ending = endings[compression.kind];
    const name = attributes.string('isoName') + ending;
    const out = job.outputs.get('out')!;
    mkdirSync(join(out, 'iso'), { recursive: true });
    mkdirSync(join(out, 'nix-support'));
    const activity = job.progress.start('write', name, {
      total: plan.sizeBytes,
      unit: 'bytes',
      parent: job.activity,
    });
    const file = new FileSink(join(out, 'iso', name));
    const sink = compressingSink(file, compression);
    await writeIso(plan, sink, (length) => {
      job.signal.throwIfAborted();
      activity.advance(length);
    });
    await sink.end();
    file.close();
    const short = `cd.iso${ending}`;
    if (name !== short) symlinkSync(name, join(out, 'iso', short));
    writeNotes(job, out, name);
    activity.finish();
  },
};

/** The EFI system partition is taken out of the files: it becomes a partition that shows as a file. */
function planInput(
  entries: readonly TreeEntry[],
  attributes: Attributes,
  job: BuiltinJob,
): [TreeEntry[], IsoOptions] {
  const efiPath = attributes.has('efiBootImage')
    ? imagePath(attributes.string('efiBootImage'))
    : undefined;
  const efi = entries.find(({ path, type }) => path === efiPath && type === 'file');
  if (efiPath !== undefined && efi === undefined) {
    throw attributes.error('needs the target of one of its contents as efiBootImage', efiPath);
  }
  const options: IsoOptions = {
    volumeId: attributes.string('volumeID'),
    mtime,
    seed: outputPath(job),
    publisher: attributes.string('publisher', ''),
    ...(attributes.has('bootImage')
      ? { biosImage: imagePath(attributes.string('bootImage')) }
      : {}),
    ...(efi === undefined ? {} : { efiImage: { content: efi.content!, path: efi.path } }),
    ...(attributes.has('isohybridMbrImage')
      ? { hybridBootCode: bootCode(attributes.string('isohybridMbrImage'), job) }
      : {}),
    ...(attributes.has('usbBootable')
      ? { partitioned: attributes.boolean('usbBootable', true) }
      : {}),
  };
  return [entries.filter((entry) => entry !== efi), options];
}

function bootCode(path: string, job: BuiltinJob): Uint8Array {
  return readFileSync(followInput(path, (inner) => job.inputs.physicalPath(inner)));
}

/** What Hydra and scripts look for. */
function writeNotes(job: BuiltinJob, out: string, name: string): void {
  const product = `file iso ${outputPath(job)}/iso/${name}\n`;
  writeFileSync(join(out, 'nix-support/hydra-build-products'), product);
  writeFileSync(join(out, 'nix-support/system'), `${job.derivation.system}\n`);
}

/** The logical path. It follows from everything that the image is made of. */
function outputPath(job: BuiltinJob): string {
  const output = job.derivation.outputs.get('out');
  return output?.kind === 'input-addressed' ? output.path : job.derivation.name;
}
