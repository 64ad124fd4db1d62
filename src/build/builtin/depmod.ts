/**
 * `builtin:depmod`: the index files of a kernel's modules, so that they are found by name, alias
 * and symbol.
 *
 * Attributes: `kernel` (an unpacked kernel package), `kernelVersion` (if it holds several). The output
 * has `lib/modules/VERSION` with the index files alone, to be merged with the package's tree.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeModuleIndexes } from '#images';
import type { BuiltinBuilder } from '../builtin-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { findKernelTree, listModules, readBuildFiles, readModules } from '../io/kernel-tree.ts';

export const depmodBuilder: BuiltinBuilder = {
  name: 'builtin:depmod',
  async build(job) {
    const attributes = new Attributes(job.structuredAttrs, 'builtin:depmod');
    const kernel = findKernelTree(
      job.inputs.physicalPath(attributes.string('kernel')),
      attributes.string('kernelVersion', undefined),
    );
    const paths = listModules(kernel);
    const activity = job.progress.start('build', `module index of ${kernel.version}`, {
      total: paths.length,
      unit: 'items',
    });
    const modules = await readModules(kernel, paths, job.cores, () => {
      job.signal.throwIfAborted();
      activity.advance(1);
    });
    const target = join(
      job.outputs.get('out')!,
      attributes.string('prefix', 'lib'),
      'modules',
      kernel.version,
    );
    mkdirSync(target, { recursive: true });
    for (const [name, bytes] of makeModuleIndexes(modules, readBuildFiles(kernel))) {
      writeFileSync(join(target, name), bytes);
    }
    activity.finish();
  },
};
