/**
 * `builtin:modules-closure`: the kernel modules that some of them need, with their own indexes and
 * firmware, for an initrd.
 *
 * Attributes: `kernel` (an unpacked kernel package), `index` (what `builtin:depmod` made of it),
 * `rootModules` (names or aliases), `allowMissing`, `firmware` (packages searched for the files that
 * the modules name), `decompress` (default true: the archive around them compresses better, and a
 * plain insmod can load them). The output has `lib/modules/VERSION` with the modules and a complete
 * set of index files, `lib/firmware`, and `insmod-list`: paths below the output in load order.
 */
import { copyFileSync, existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { IndexedModule } from '#images';
import { ModuleIndex, makeModuleIndexes, moduleNameOf } from '#images';
import { threadedBuilder, type ThreadJob } from '../threaded-builder.ts';
import { Attributes } from '../io/attributes.ts';
import type { KernelTree } from '../io/kernel-tree.ts';
import { findKernelTree, readBuildFiles, readModules } from '../io/kernel-tree.ts';

export const modulesClosureBuilder = threadedBuilder('builtin:modules-closure', import.meta.url);

export async function buildInThread(job: ThreadJob): Promise<undefined> {
  const attributes = new Attributes(job.structuredAttrs, 'builtin:modules-closure');
  const kernel = findKernelTree(
    job.physicalPath(attributes.string('kernel')),
    attributes.string('kernelVersion', undefined),
  );
  const indexed = findKernelTree(job.physicalPath(attributes.string('index')), kernel.version);
  const index = readIndex(indexed, kernel);
  const names = index.closureOf(attributes.strings('rootModules'), {
    allowMissing: attributes.boolean('allowMissing', false),
  });
  const out = job.outputs.get('out')!;
  const target = join(out, 'lib/modules', kernel.version);
  const paths = names.map((name) => index.pathOf(name)!);
  const decompress = attributes.boolean('decompress', true);
  const modules = await copyModules(kernel, paths, target, decompress, job.cores);
  writeIndexes(kernel, modules, target);
  const list = modules.map(({ path }) => `lib/modules/${kernel.version}/${path}\n`).join('');
  writeFileSync(join(out, 'insmod-list'), list);
  copyFirmware(modules, attributes.strings('firmware'), join(out, 'lib/firmware'), job);
}

function readIndex(indexed: KernelTree, kernel: KernelTree): ModuleIndex {
  const text = (tree: KernelTree, name: string): string => {
    const path = join(tree.directory, name);
    return existsSync(path) ? readFileSync(path, 'latin1') : '';
  };
  return new ModuleIndex({
    dependencies: text(indexed, 'modules.dep'),
    aliases: text(indexed, 'modules.alias'),
    softDependencies: text(indexed, 'modules.softdep'),
    weakDependencies: text(indexed, 'modules.weakdep'),
    builtin: text(kernel, 'modules.builtin'),
    builtinInfo: text(kernel, 'modules.builtin.modinfo'),
  });
}

/** Copies the modules; returns them as they stand in the output, in the given order. */
async function copyModules(
  kernel: KernelTree,
  paths: readonly string[],
  target: string,
  decompress: boolean,
  cores: number,
): Promise<IndexedModule[]> {
  const placeOf = (path: string): string =>
    decompress ? path.replace(/\.(xz|gz|zst)$/, '') : path;
  mkdirSync(target, { recursive: true });
  const modules = await readModules(kernel, paths, cores, (path, bytes) => {
    const placed = join(target, placeOf(path));
    mkdirSync(dirname(placed), { recursive: true });
    if (decompress) writeFileSync(placed, bytes);
    else copyFileSync(join(kernel.directory, path), placed);
  });
  return modules.map(({ path, facts }) => ({ path: placeOf(path), facts }));
}

function writeIndexes(kernel: KernelTree, modules: readonly IndexedModule[], target: string): void {
  const build = readBuildFiles(kernel);
  for (const [name, bytes] of makeModuleIndexes(modules, build)) {
    writeFileSync(join(target, name), bytes);
  }
  const copies = {
    'modules.order': build.order,
    'modules.builtin': build.builtin,
    'modules.builtin.modinfo': build.builtinInfo,
  };
  for (const [name, text] of Object.entries(copies)) {
    if (text !== undefined) writeFileSync(join(target, name), text, 'latin1');
  }
}

/** A module may name firmware for devices that nobody has: what no package holds is left out. */
function copyFirmware(
  modules: readonly IndexedModule[],
  packages: readonly string[],
  target: string,
  job: ThreadJob,
): void {
  const folders = packages.flatMap((path) =>
    ['lib/firmware', 'usr/lib/firmware'].map((place) => join(job.physicalPath(path), place)),
  );
  for (const { path, facts } of modules) {
    for (const [key, name] of facts.info) {
      if (key !== 'firmware') continue;
      const found = folders.flatMap((folder) =>
        globSync([name, `${name}.xz`, `${name}.zst`], { cwd: folder }).map((file) => ({
          folder,
          file,
        })),
      );
      if (found.length === 0 && folders.length > 0) {
        job.log(`No firmware ${name}, which ${moduleNameOf(path)} may ask for`);
      }
      for (const { folder, file } of found) {
        const placed = join(target, file);
        if (existsSync(placed)) continue;
        mkdirSync(dirname(placed), { recursive: true });
        copyFileSync(join(folder, file), placed);
      }
    }
  }
}
