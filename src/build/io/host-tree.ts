/**
 * Files of the host as entries of an image.
 *
 * What depends on the host and not on the content stays out: owner, times and the order of a
 * directory. Of the mode only "is it executable" is kept, as in a store path. Device and inode
 * number go into the `identity` hint alone, which never changes an image.
 */
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import type { Dirent } from 'node:fs';
import type { ByteSource, TreeEntry } from '#images';
import { hostFileTooShort, unsupportedHostFile } from './errors.ts';

export interface HostTreeOptions {
  /** Seconds since 1970 that every entry gets. */
  readonly mtime: number;
  /** Of a directory, an executable and another file. Default: 0555, 0555, 0444, as in the store. */
  readonly modes?: {
    readonly directory: number;
    readonly executable: number;
    readonly file: number;
  };
  /** What to do about device nodes, pipes and sockets. Default: refuse. */
  readonly onSpecial?: 'refuse' | 'skip';
}

const storeModes = { directory: 0o555, executable: 0o555, file: 0o444 };

/**
 * The entries of the file, link or directory tree at `hostPath`, placed at `imagePath` (a byte
 * string; empty for the root of the image).
 */
export function hostTree(
  hostPath: string,
  imagePath: string,
  options: HostTreeOptions,
): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const modes = options.modes ?? storeModes;
  const reader = new HostReader();
  const common = { uid: 0, gid: 0, mtime: options.mtime };
  const visit = (host: Buffer, path: string): void => {
    const status = lstatSync(host);
    if (status.isSymbolicLink()) {
      const target = readlinkSync(host, 'buffer').toString('latin1');
      entries.push({ ...common, path, type: 'link', mode: 0o777, target });
    } else if (status.isFile()) {
      entries.push({
        ...common,
        path,
        type: 'file',
        mode: (status.mode & 0o111) !== 0 ? modes.executable : modes.file,
        content: reader.source(host, status.size),
        ...(status.nlink > 1 ? { identity: `${status.dev}:${status.ino}` } : {}),
      });
    } else if (status.isDirectory()) {
      entries.push({ ...common, path, type: 'directory', mode: modes.directory });
      for (const entry of readdirSync(host, { withFileTypes: true, encoding: 'buffer' })) {
        const name = (entry as Dirent<Buffer>).name;
        visit(
          Buffer.concat([host, slash, name]),
          (path === '' ? '' : path + '/') + name.toString('latin1'),
        );
      }
    } else if (options.onSpecial !== 'skip') {
      throw unsupportedHostFile(host.toString());
    }
  };
  visit(Buffer.from(hostPath), imagePath);
  return entries;
}

/** The bytes of one file of the host; links are followed. */
export function hostFile(hostPath: string): ByteSource {
  return new HostReader().source(Buffer.from(hostPath), statSync(hostPath).size);
}

const slash = Buffer.from('/');

/**
 * Reads pieces of many files with one open descriptor: images are written file after file, each
 * read in order, so the last one opened is nearly always the one wanted.
 */
class HostReader {
  #open: { readonly path: Buffer; readonly descriptor: number } | undefined;

  source(path: Buffer, sizeBytes: number): ByteSource {
    return {
      sizeBytes,
      read: (offset, length, into) => {
        const bytes = into?.subarray(0, length) ?? new Uint8Array(length);
        this.#read(path, sizeBytes, offset, bytes);
        return bytes;
      },
    };
  }

  #read(path: Buffer, sizeBytes: number, offset: number, bytes: Uint8Array): void {
    if (this.#open?.path !== path) {
      this.#close();
      this.#open = { path, descriptor: openSync(path, 'r') };
    }
    for (let done = 0; done < bytes.length;) {
      const count = readSync(
        this.#open.descriptor,
        bytes,
        done,
        bytes.length - done,
        offset + done,
      );
      if (count === 0) throw hostFileTooShort(path.toString());
      done += count;
    }
    if (offset + bytes.length >= sizeBytes) this.#close();
  }

  #close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }
}
