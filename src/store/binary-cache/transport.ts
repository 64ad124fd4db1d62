/**
 * `CacheTransport`: how the files of a binary cache are read, wherever it stands.
 *
 * Names are relative to the cache. A transport bounds what it reads, tries again what may pass, and
 * goes on where a stream broke off; what the bytes mean is not its concern.
 */

import type { CacheUrl } from './cache-url.ts';
import { FileTransport } from './file-transport.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface CacheTransport {
  /** The whole file, or undefined if there is none. Throws CACHE_FILE_TOO_LARGE beyond the limit. */
  read(name: string, limitBytes: number, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /**
   * The file in pieces, each the reader's own. Throws CACHE_FILE_MISSING, CACHE_FILE_TRUNCATED, and
   * CACHE_FILE_TOO_LARGE beyond the limit.
   */
  stream(name: string, limitBytes: number, options?: ReadOptions): AsyncIterable<Uint8Array>;
}

/** A file to be written. */
export interface WrittenFile {
  /** Relative to the cache. */
  readonly name: string;
  readonly type: string;
  /** The content, or the path of a file in `stagingFolder` that holds it and is gone afterwards. */
  readonly content: Uint8Array | { readonly staged: string };
}

/** A cache that can be written. */
export interface WritableTransport extends CacheTransport {
  /** Where large files are to be put together before `write`. */
  stagingFolder(): Promise<string>;
  exists(name: string, options?: ReadOptions): Promise<boolean>;
  /** The names of the files that stand at the top, where they can be told. */
  list?(): Promise<string[]>;
  /** The file appears whole, or not at all; one that is there is replaced. */
  write(file: WrittenFile, options?: ReadOptions): Promise<void>;
  /** Removes what was staged and not written. */
  close(): Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TransportSettings {
  /** Tries for each file. Default: 5, as in Nix. */
  readonly attempts?: number;
  /** The first pause before trying again, doubled each time. Default: 100 ms, as in Nix. */
  readonly retryDelayMilliseconds?: number;
  /** The same where the server says that it has too much to do. Default: 5 s, as in Nix. */
  readonly busyDelayMilliseconds?: number;
  /** No pause of ours is longer. Default: 60 s, as in Nix. */
  readonly maximumDelayMilliseconds?: number;
  /** Whether chance has a part in pauses. Default: true. */
  readonly jitter?: boolean;
  /** Told before each pause. */
  readonly tell?: (text: string) => void;
  /** How long to wait for a connection. Default: 15 s. */
  readonly connectTimeoutMilliseconds?: number;
  /** How long to wait for the next byte. Default: 300 s, as in Nix. */
  readonly stallTimeoutMilliseconds?: number;
  /** Connections to one server. Default: 25, as in Nix. */
  readonly connections?: number;
  /** Certificates of the authorities that are trusted, instead of Node's own. */
  readonly certificatesFile?: string;
  /** Names and passwords, in the form of ~/.netrc. */
  readonly netrcFile?: string;
  /** Holds keys of S3. */
  readonly environment?: Environment;
}

/** Loads what a transport needs only when it is used. */
export async function openTransport(url: CacheUrl, settings: TransportSettings): Promise<WritableTransport> {
  if (url.directory !== undefined) return new FileTransport(url.directory);
  const { HttpTransport } = await import('./http-transport.ts');
  return new HttpTransport(url.base as URL, settings, url.s3);
}
