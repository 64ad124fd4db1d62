/**
 * The thread in which a channel is made, so that progress stays alive meanwhile.
 *
 * It decompresses the indexes, reduces them and writes the files; it answers with one message when
 * all is written, or with the reason why not.
 */
import { gunzipSync } from 'node:zlib';
import { parentPort, workerData } from 'node:worker_threads';
import { xz } from '@napi-rs/lzma';
import { writeChannelFiles, type IndexText } from './channel-files.ts';
import type { Lock } from './lock.ts';

/** What the thread is given: the indexes are compressed as their path says. */
export interface ChannelWork {
  readonly directory: string;
  readonly lock: Lock;
  readonly indexes: readonly {
    readonly suite: string;
    readonly component: string;
    readonly architecture: string;
    readonly path: string;
    readonly bytes: Uint8Array;
  }[];
}

/** The thread's answer. */
export interface ChannelAnswer {
  /** What was being worked on when it failed, and why; undefined when all is well. */
  readonly failure?: { readonly what: string; readonly reason: string; readonly code: string };
}

function run(work: ChannelWork): ChannelAnswer {
  let what = '';
  try {
    const indexes: IndexText[] = [];
    for (const index of work.indexes) {
      what = `${index.suite}/${index.path}`;
      const bytes = decompress(index.path, index.bytes);
      indexes.push({ ...index, text: Buffer.from(bytes).toString('latin1') });
    }
    what = work.directory;
    writeChannelFiles(work.directory, work.lock, indexes);
    return {};
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    return { failure: { what, reason: message, code: code ?? '' } };
  }
}

function decompress(path: string, bytes: Uint8Array): Uint8Array {
  if (path.endsWith('.xz')) return xz.decompressSync(bytes);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

parentPort?.postMessage(run(workerData as ChannelWork));
