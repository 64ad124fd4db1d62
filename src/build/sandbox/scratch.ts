/**
 * The folders of one build: the store that the builder sees, its build folder, /tmp and /etc.
 *
 * All lie in one private folder (mode 0700) at a temporary place of the store: outputs are renamed
 * from there, and what a killed process leaves is garbage like any other. Nobody else may enter it,
 * whatever modes the builder gives what is inside.
 */
import {
  chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { baseNameOf, NarReader, type StorePath } from '#formats';
import { bytePath, deleteTree, TreeRestorer, type Store } from '#store';
import type { BuildRequest } from '../builder.ts';

export interface Scratch {
  readonly root: string;
  readonly store: string;
  readonly build: string;
  readonly tmp: string;
  readonly etc: string;
  /** The folder around `build`, if that does not lie below `root`. */
  readonly kept: string | undefined;
}

/** Where the build folder goes, if not below the others. */
export interface BuildFolderPlace {
  readonly directory: string;
  readonly name: string;
}

/** Makes the folders; nothing stands at `root`. */
export function makeScratch(root: string, outside?: BuildFolderPlace): Scratch {
  mkdirSync(root, { mode: 0o700 });
  const kept = outside === undefined ? undefined : makeBuildFolder(outside.directory, outside.name);
  const scratch = {
    root, store: join(root, 'store'), build: join(kept ?? root, 'build'), tmp: join(root, 'tmp'), etc: join(root, 'etc'), kept,
  };
  for (const [place, mode] of [[scratch.store, 0o755], [scratch.build, 0o700], [scratch.tmp, 0o1777], [scratch.etc, 0o755]] as const) {
    mkdirSync(place);
    // The umask has no say.
    chmodSync(place, mode);
  }
  return scratch;
}

/** What a builder with network is told of it. */
export interface NetworkFiles {
  /** Certificates of authorities. */
  readonly certificatesFile: string | undefined;
  /** The text of `resolv.conf`; undefined: this machine's. */
  readonly resolvers: string | undefined;
}

/** Writes `/etc`: accounts and, with `network`, how names of hosts are found and whom to trust. */
export function writeEtc(etc: string, network: NetworkFiles | undefined): void {
  const files: Record<string, string> = {
    passwd: 'root:x:0:0:Nix build user:/build:/noshell\n'
      + 'nixbld:x:1000:100:Nix build user:/build:/noshell\n'
      + 'nobody:x:65534:65534:Nobody:/:/noshell\n',
    group: 'root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n',
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
  };
  if (network !== undefined) {
    files['nsswitch.conf'] = 'hosts: files dns\nservices: files\n';
    const taken: readonly (readonly [string, string | undefined])[] = [
      ...['resolv.conf', 'services', 'hosts'].map((name) => [name, join('/etc', name)] as const),
      [certificatesName, network.certificatesFile],
    ];
    if (network.resolvers !== undefined) files['resolv.conf'] = network.resolvers;
    for (const [name, source] of taken) {
      try {
        if (source !== undefined && (name === 'hosts' || files[name] === undefined)) files[name] = readFileSync(source, 'latin1');
      } catch {
        // A machine without one has none to give.
      }
    }
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(etc, name)), { recursive: true });
    writePublicFile(join(etc, name), text);
    for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) chmodSync(join(etc, folder), 0o755);
  }
}

/** A file that builders can read, whoever they are: the umask has no say. */
export function writePublicFile(path: string, text: string): void {
  writeFileSync(path, text, 'latin1');
  chmodSync(path, 0o644);
}

const certificatesName = 'ssl/certs/ca-certificates.crt';

/** A store path that is a link is copied into the builder's store: a mount would follow it. */
export function linkInput(scratch: Scratch, path: StorePath, physical: string): boolean {
  if (!lstatSync(physical).isSymbolicLink()) return false;
  symlinkSync(readlinkSync(physical, 'buffer'), join(scratch.store, baseNameOf(path)));
  return true;
}

/**
 * Copies a valid path into the builder's store while it runs: nothing can be mounted there any more.
 * A copy is the builder's to spoil; nobody else reads it.
 */
export async function copyInto(scratch: Scratch, store: Store, path: StorePath): Promise<void> {
  const restorer = new TreeRestorer(bytePath(join(scratch.store, baseNameOf(path))));
  const reader = new NarReader(restorer);
  try {
    for await (const piece of store.narOf(path)) reader.write(piece);
    reader.end();
  } catch (error) {
    restorer.abandon();
    throw error;
  }
}

/** A folder with a free name for a build's, private to whoever builds. */
function makeBuildFolder(directory: string, name: string): string {
  mkdirSync(directory, { recursive: true });
  for (let number = 0; ; number++) {
    const place = join(directory, `nix-build-${basename(name)}-${number}`);
    try {
      mkdirSync(place, { mode: 0o700 });
      return place;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Removes the folders of a build when it is known how it ended, or keeps what the user wants kept. */
export function settleScratch(
  scratch: Scratch, request: Pick<BuildRequest, 'afterwards' | 'signal' | 'progress'>, keepsFailed: boolean,
): void {
  request.afterwards((succeeded) => {
    deleteTree(bytePath(scratch.root));
    if (scratch.kept === undefined) return;
    if (succeeded || !keepsFailed || request.signal.aborted) deleteTree(bytePath(scratch.kept));
    else request.progress.message('notice', `note: keeping build directory "${scratch.build}"`);
  });
}

/** Renames what stands at `from`, were it a link, or a folder that its maker may not write to. */
export function moveEntry(from: string | Buffer, to: string | Buffer): void {
  const status = lstatSync(from);
  if (status.isDirectory() && (status.mode & 0o700) !== 0o700) chmodSync(from, 0o700);
  renameSync(from, to);
}
