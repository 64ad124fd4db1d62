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
import { threadedBuilder, type ThreadJob } from '../threaded-builder.ts';
import { Attributes } from '../io/attributes.ts';
import { findKernelTree, listModules, readBuildFiles, readModules } from '../io/kernel-tree.ts';

export const depmodBuilder = threadedBuilder('builtin:depmod', import.meta.url);

export async function buildInThread(job: ThreadJob): Promise<undefined> {
  const attributes = new Attributes(job.structuredAttrs, 'builtin:depmod');
  const kernel = findKernelTree(
    job.physicalPath(attributes.string('kernel')),
    attributes.string('kernelVersion', undefined),
  );
  const modules = await readModules(kernel, listModules(kernel), job.cores);
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
}
