/**
 * Kernel modules trees on the host: where one is, its module files, and their uncompressed bytes.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import type { IndexedModule, KernelBuildFiles } from '#images';
import { readKernelModule } from '#images';
import { missingModulesTree } from './errors.ts';

export interface KernelTree {
  /** `6.12.0-amd64` */
  readonly version: string;
  /** The folder named by the version. */
  readonly directory: string;
}

const modulePattern = /\.ko(\.(xz|gz|zst))?$/;

/** The modules tree of an unpacked kernel package. `version` chooses among several. */
export function findKernelTree(root: string, version?: string): KernelTree {
  for (const place of ['lib/modules', 'usr/lib/modules']) {
    const parent = join(root, place);
    if (!existsSync(parent)) continue;
    const versions = readdirSync(parent).filter(
      (name) => version === undefined || name === version,
    );
    versions.sort();
    const found = versions[0];
    if (found !== undefined) return { version: found, directory: join(parent, found) };
  }
  throw missingModulesTree(root);
}

/** Paths of all modules relative to the tree, in byte order. */
export function listModules(tree: KernelTree): string[] {
  const found: string[] = [];
  const visit = (relative: string): void => {
    for (const entry of readdirSync(join(tree.directory, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (modulePattern.test(entry.name)) found.push(path);
    }
  };
  visit('');
  return found.sort();
}

/** A module's object file, decompressed. */
async function readModuleFile(tree: KernelTree, path: string): Promise<Uint8Array> {
  const bytes = readFileSync(join(tree.directory, path));
  if (path.endsWith('.xz')) return xz.decompress(bytes);
  if (path.endsWith('.gz')) return gunzipSync(bytes);
  if (path.endsWith('.zst')) return zstdDecompressSync(bytes);
  return bytes;
}

/**
 * What the given modules say of themselves. `cores` bounds how many are decompressed at once;
 * `onModule` gets each module's object file, in any order.
 */
export async function readModules(
  tree: KernelTree,
  paths: readonly string[],
  cores: number,
  onModule: (path: string, bytes: Uint8Array) => void = () => {},
): Promise<IndexedModule[]> {
  const modules: IndexedModule[] = new Array<IndexedModule>(paths.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < paths.length) {
      const index = next++;
      const path = paths[index]!;
      const bytes = await readModuleFile(tree, path);
      modules[index] = { path, facts: readKernelModule(bytes, path) };
      onModule(path, bytes);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, cores) + 1 }, work));
  return modules;
}

/** What the kernel's build left beside the modules. */
export function readBuildFiles(tree: KernelTree): KernelBuildFiles {
  const text = (name: string): string | undefined => {
    const path = join(tree.directory, name);
    return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
  };
  const order = text('modules.order');
  const builtin = text('modules.builtin');
  const builtinInfo = text('modules.builtin.modinfo');
  return {
    ...(order === undefined ? {} : { order }),
    ...(builtin === undefined ? {} : { builtin }),
    ...(builtinInfo === undefined ? {} : { builtinInfo }),
  };
}
