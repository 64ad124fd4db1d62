/**
 * A `Host` on node:fs for tests: reads the real file system, keeps a store in memory.
 *
 * Store paths that it makes are not Nix's; tests of derivation hashes use the real host.
 */

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { noProgress } from '#base';
import type { DerivationRequest, FileStatus, FileType, Host } from '#eval';

export class FsHost implements Host {
  readonly storeDirectory = '/nix/store';
  readonly progress = noProgress;
  readonly files: ReadonlyMap<string, string>;

  /** `files` are seen besides the real ones. */
  constructor(files: Readonly<Record<string, string>> = {}) {
    this.files = new Map(Object.entries(files));
  }

  readFile(path: string): string {
    return this.files.get(path) ?? readFileSync(bytes(path), 'latin1');
  }

  lstat(path: string): FileStatus | null {
    const own = this.files.get(path);
    if (own !== undefined) return { type: 'regular', sizeBytes: own.length };
    const status = lstatSync(bytes(path), { throwIfNoEntry: false });
    if (status === undefined) return null;
    return { type: typeOf(status), sizeBytes: status.size, executable: (status.mode & 64) !== 0 };
  }

  readDirectory(path: string): ReadonlyMap<string, FileType> {
    const entries = readdirSync(bytes(path), { withFileTypes: true, encoding: 'buffer' });
    return new Map(entries.map((e) => [e.name.toString('latin1'), typeOf(e)] as const));
  }

  readLink(path: string): string {
    return readlinkSync(bytes(path), 'latin1');
  }

  addPathToStore(name: string, path: string): string {
    return this.storePath(name, `source:${path}`);
  }

  addTextToStore(name: string, text: string): string {
    return this.storePath(name, `text:${text}`);
  }

  instantiate(request: DerivationRequest) {
    const text = JSON.stringify({ ...request, env: [...request.env] });
    const outputs = new Map(
      request.outputs.map((output) => [
        output,
        this.storePath(
          output === 'out' ? request.name : `${request.name}-${output}`,
          output + text,
        ),
      ]),
    );
    return { drvPath: `${this.storePath(request.name, text)}.drv`, outputs };
  }

  readDerivation(): never {
    throw new Error('no derivation can be read here');
  }

  realise(): ReadonlyMap<string, string> {
    return new Map();
  }

  isValidPath(): boolean {
    return true;
  }

  storePathReferences(): readonly string[] {
    return [];
  }

  fetch(): never {
    throw new Error('nothing can be fetched here');
  }

  environmentVariable(name: string): string | undefined {
    return name === 'TEST_VAR' ? 'foo' : undefined;
  }

  currentTime(): number {
    return 1000000000;
  }

  resolveSearchPathEntry(): string | null {
    return null;
  }

  private storePath(name: string, text: string): string {
    const digest = createHash('sha256').update(text, 'latin1').digest();
    const letters = '0123456789abcdfghijklmnpqrsvwxyz';
    const hash = [...digest].map((byte) => letters[byte & 31]).join('');
    return `/nix/store/${hash}-${name}`;
  }
}

function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function typeOf(entry: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): FileType {
  if (entry.isFile()) return 'regular';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symlink' : 'unknown';
}
