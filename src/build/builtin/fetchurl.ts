/**
 * `builtin:fetchurl`: a file from the network, of known hash.
 *
 * Attributes as Nix's own: `url` or `urls`, `executable`, `unpack` (of a NAR); and for the Debian archive `size` and
 * `debianVersion`. `mirror://debian/PATH` stands for the mirrors in force, in order, and after them
 * the snapshot archive: by its own index of package files, then by the times of the lock in use. The
 * partial file stands in the cache, so that what was cut off goes on the next time.
 */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError, encodeHex } from '#base';
import {
  notFoundAnywhere,
  resolveMirrorUrl,
  snapshotFileUrls,
  snapshotUrls,
  type ArchiveName,
  type ByteObserver,
  type ExpectedFile,
} from '#debian';
import type { Hash } from '#base';
import { NarWriter, baseNameOf } from '#formats';
import type { BuiltinBuilder, BuiltinJob, BuiltinNetwork, OutputMeasure } from '../builtin-builder.ts';
import { fetchWithoutNetwork, localFileUnreadable, noSpace } from '../errors.ts';
import { unpackNarFile } from './unpack-nar.ts';

export const fetchurlBuilder: BuiltinBuilder = {
  name: 'builtin:fetchurl',
  async build(job) {
    const output = job.derivation.outputs.get('out');
    if (!job.network || (output?.kind !== 'fixed' && output?.kind !== 'impure')) {
      throw fetchWithoutNetwork(job.derivation.name);
    }
    const executable = flag(job.structuredAttrs['executable']);
    const local = wantedUrls(job.structuredAttrs).find((url) => url.startsWith('file://'));
    const out = job.outputs.get('out') as string;
    const unpacks = flag(job.structuredAttrs['unpack']);
    if (local !== undefined) return unpacks ? unpackLocal(local, out) : takeLocal(local, out, executable);
    const measure = new FileMeasure();
    const hash = output.kind === 'fixed' ? output.hash : undefined;
    const wanted = expectedFile(hash, output.method === 'flat' && !executable && !unpacks, job);
    const isCompared = wanted.sha256 !== undefined && wanted.sizeBytes !== undefined;
    const expected = isCompared ? { ...wanted, observer: measure.of(wanted.sizeBytes) } : wanted;
    // Named by the output, whose lock is held: no two downloads write the same part. What is new each
    // time has no part to go on from.
    const name = output.kind === 'fixed' ? baseNameOf(output.path) : basename(out);
    const partial = join(job.cacheDirectory, 'downloads', `${name}.part`);
    const activity = job.progress.start('download', job.derivation.name, {
      ...(expected.sizeBytes === undefined ? {} : { total: expected.sizeBytes }),
      unit: 'bytes',
      parent: job.activity,
    });
    const advance = (bytes: number): void => {
      activity.advance(bytes);
      job.activity.advance(bytes);
    };
    try {
      await fetchFirst(job, job.network, partial, expected, { ...activity, advance });
      if (unpacks) {
        await unpackNarFile(partial, wantedUrls(job.structuredAttrs)[0] as string, out);
        rmSync(partial);
      } else {
        place(partial, out, executable);
      }
      if (isCompared) job.measured('out', { ...measure.end(), isAsFixed: true });
      activity.finish();
    } catch (error) {
      activity.finish('failed');
      throw error;
    }
  },
};

/** Hashes the NAR of a plain file of known size while its bytes pass. */
class FileMeasure {
  #sizeBytes = 0;
  #hash = createHash('sha256');
  #narSizeBytes = 0;
  #nar = this.#newWriter();

  of(sizeBytes: number): ByteObserver {
    this.#sizeBytes = sizeBytes;
    return {
      restart: () => {
        this.#hash = createHash('sha256');
        this.#narSizeBytes = 0;
        this.#nar = this.#newWriter();
        this.#nar.beginFile(sizeBytes, false);
      },
      update: (bytes) => this.#nar.contents(bytes),
    };
  }

  end(): OutputMeasure {
    this.#nar.endFile(this.#sizeBytes);
    this.#nar.finish();
    return { narSha256: new Uint8Array(this.#hash.digest()), narSizeBytes: this.#narSizeBytes };
  }

  #newWriter(): NarWriter {
    return new NarWriter((bytes) => {
      this.#hash.update(bytes);
      this.#narSizeBytes += bytes.length;
    });
  }
}

async function fetchFirst(
  job: BuiltinJob,
  network: BuiltinNetwork,
  partial: string,
  expected: ExpectedFile,
  activity: BuiltinJob['activity'],
): Promise<void> {
  const tried: string[] = [];
  const errors: UserError[] = [];
  for await (const url of candidateUrls(job, network)) {
    job.signal.throwIfAborted();
    tried.push(url);
    try {
      await network.download(url, partial, expected, { signal: job.signal, activity });
      return;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // Our own disk will not be better with another server.
      if (error.code === 'CACHE_NOT_WRITABLE') throw error;
      errors.push(error);
    }
  }
  throw chooseError(job.derivation.name, tried, errors);
}

/** The error that tells most: a wrong content, then trouble on the way, then plain absence. */
function chooseError(name: string, tried: readonly string[], errors: readonly UserError[]): UserError {
  const wrong = errors.find((error) => error.code === 'HASH_MISMATCH');
  if (wrong) return wrong;
  const isAbsence = (error: UserError): boolean =>
    error.code === 'HTTP_STATUS' && / (404|410)$/.test(error.message);
  const [first] = errors;
  if (first && !isAbsence(first)) return first;
  return notFoundAnywhere(name, tried.slice(0, 4), errors.at(-1));
}

async function* candidateUrls(job: BuiltinJob, network: BuiltinNetwork): AsyncGenerator<string> {
  for (const url of wantedUrls(job.structuredAttrs)) {
    const mirrored = resolveMirrorUrl(url, network.mirrors);
    if (!mirrored) {
      yield url;
      continue;
    }
    yield* mirrored;
    const [, archive, path] = /^mirror:\/\/([^/]+)\/(.*)$/.exec(url) as unknown as [string, ArchiveName, string];
    const version = job.structuredAttrs['debianVersion'];
    if (typeof version === 'string') {
      yield* await snapshotFileUrls(network.mirrors, path, version, (address) =>
        network.read(address, 4 << 20, { signal: job.signal, retries: 1 }),
      );
    }
    for (const date of new Set(network.snapshotDates)) {
      yield* snapshotUrls(network.mirrors, archive, path, date);
    }
  }
}

function wantedUrls(attributes: Readonly<Record<string, unknown>>): string[] {
  const { url, urls } = attributes;
  // An environment holds a list as words.
  const list = Array.isArray(urls) ? urls.map(String) : typeof urls === 'string' ? urls.split(/\s+/) : [];
  return [...new Set([...(typeof url === 'string' ? [url] : []), ...list])].filter((text) => text !== '');
}

function expectedFile(hash: Hash | undefined, isFlat: boolean, job: BuiltinJob): ExpectedFile {
  const size = Number(job.structuredAttrs['size'] ?? Number.NaN);
  return {
    // Other hashes are checked when the output is committed.
    ...(isFlat && hash?.algorithm === 'sha256' ? { sha256: encodeHex(hash.bytes) } : {}),
    ...(Number.isSafeInteger(size) && size > 0 ? { sizeBytes: size } : {}),
  };
}

/** A file of this machine; its content is compared when the output is committed. */
function takeLocal(url: string, out: string, executable: boolean): void {
  const partial = `${out}.part`;
  try {
    copyFileSync(fileURLToPath(url), partial);
  } catch (error) {
    throw localFileUnreadable(url, error);
  }
  place(partial, out, executable);
}

/** A NAR of this machine. */
async function unpackLocal(url: string, out: string): Promise<void> {
  await unpackNarFile(fileURLToPath(url), url, out).catch((error: unknown) => {
    throw error instanceof UserError ? error : localFileUnreadable(url, error);
  });
}

function flag(value: unknown): boolean {
  return value === true || value === '1';
}

function place(partial: string, out: string, executable: boolean): void {
  try {
    try {
      renameSync(partial, out);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EXDEV') throw error;
      copyFileSync(partial, out);
      rmSync(partial);
    }
    // In the store's canonical form, since a measured output is committed as it stands.
    chmodSync(out, executable ? 0o555 : 0o444);
    utimesSync(out, 1, 1);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOSPC') throw noSpace(out, error);
    throw error;
  }
}
