/**
 * One connection to a daemon: the greeting, and one operation after the other.
 *
 * An operation is a request, messages until the daemon has done it, and an answer. Contents go out
 * in frames while messages come in: a daemon that refuses them half-way says so at once, and gets
 * no more. *Invariant:* after an error in what arrives, or an operation that was broken off, the
 * connection is closed and never used again; an error that the daemon reports leaves it in order.
 */

import { UserError } from '#base';
import type { ByteChannel } from './channel.ts';
import {
  connectionBroken, handshakeTimedOut, peerTooNew, peerTooOld, protocolMismatch,
} from './errors.ts';
import { ProtocolValues } from './protocol-values.ts';
import { RemoteMessages, type MessageListener } from './remote-messages.ts';
import { WireReader, WireWriter, type WireFailure } from './wire.ts';
import {
  newestWorkerMinor, oldestWorkerMinor, operations, workerFeatures, workerMagic, workerMajor, type WorkerOptions,
} from './worker-operations.ts';

export interface ConnectionOptions {
  readonly storeDirectory: string;
  readonly options?: WorkerOptions;
  readonly handshakeSeconds?: number;
}

export interface OperationOptions extends MessageListener {
  /** What is sent in frames behind the request. */
  readonly contents?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

const defaultHandshakeSeconds = 60;
const frameBytes = 1 << 16;

export class WorkerConnection {
  readonly values: ProtocolValues;
  /** What the daemon says of itself; older ones do not. */
  readonly daemonVersion: string | undefined;
  readonly trustsUs: boolean | undefined;
  readonly reader: WireReader;
  readonly fail: WireFailure;
  readonly #channel: ByteChannel;
  #usable = true;

  /** For `open` alone: the greeting is over. */
  constructor(
    channel: ByteChannel, reader: WireReader, fail: WireFailure,
    greeting: { values: ProtocolValues; daemonVersion: string | undefined; trustsUs: boolean | undefined },
  ) {
    this.#channel = channel;
    this.reader = reader;
    this.fail = fail;
    this.values = greeting.values;
    this.daemonVersion = greeting.daemonVersion;
    this.trustsUs = greeting.trustsUs;
  }

  /** Greets the daemon and tells it our options. Closes the channel when that fails. */
  static async open(channel: ByteChannel, options: ConnectionOptions): Promise<WorkerConnection> {
    const seconds = options.handshakeSeconds ?? defaultHandshakeSeconds;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      channel.close();
    }, seconds * 1000);
    try {
      const connection = await greet(channel, options);
      await connection.#setOptions(options.options ?? {});
      return connection;
    } catch (error) {
      channel.close();
      throw late ? handshakeTimedOut(channel.name, seconds) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether another operation may follow. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Runs one operation; `read` takes its answer. */
  async run<T>(
    operation: number, write: (writer: WireWriter) => void, read: (reader: WireReader) => Promise<T>,
    options: OperationOptions = {},
  ): Promise<T> {
    const { signal } = options;
    signal?.throwIfAborted();
    const writer = new WireWriter().number(operation);
    write(writer);
    const abort = (): void => this.close();
    signal?.addEventListener('abort', abort);
    try {
      await this.#channel.write(writer.take());
      await this.#exchange(options);
      return await read(this.reader);
    } catch (error) {
      signal?.throwIfAborted();
      // What the daemon reports is an answer too: nothing is out of step.
      if (!(error instanceof UserError) || error.code !== 'REMOTE_ERROR') this.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#usable = false;
    this.#channel.close();
  }

  async #exchange(options: OperationOptions): Promise<void> {
    const messages = new RemoteMessages(this.#channel.name, options).hear(this.reader, this.fail);
    if (options.contents === undefined) return messages;
    let ended = false;
    messages.then(() => { ended = true; }, () => { ended = true; });
    let failure: unknown;
    try {
      for await (const piece of options.contents) {
        if (ended) break;
        for (let at = 0; at < piece.length && !ended; at += frameBytes) {
          await this.#writeFrame(piece.subarray(at, at + frameBytes));
        }
      }
    } catch (error) {
      failure = error;
    }
    if (failure !== undefined) {
      // The daemon must not take what is half there for the whole.
      this.close();
      await messages.catch(() => {});
      throw failure;
    }
    await this.#channel.write(new WireWriter().number(0).take());
    return messages;
  }

  async #writeFrame(bytes: Uint8Array): Promise<void> {
    await this.#channel.write(new WireWriter().number(bytes.length).take());
    // The piece may be used again by whoever made it.
    await this.#channel.write(bytes.slice());
  }

  #setOptions(options: WorkerOptions): Promise<void> {
    return this.run(operations.setOptions, (writer) => {
      writer.flag(options.keepFailed ?? false).flag(options.keepGoing ?? false).flag(options.fallback ?? false)
        .number(options.verbosity ?? 3).number(options.maxJobs ?? 1).number(options.maxSilentSeconds ?? 0)
        // A build hook may be used; builders' output comes as results, not as lines.
        .number(1).number(7).number(0).number(0)
        .number(options.cores ?? 0).flag(options.substitutes ?? true);
      const settings = options.settings ?? new Map<string, string>();
      writer.number(settings.size);
      for (const [name, value] of settings) writer.text(name).text(value);
    }, async () => {});
  }
}

async function greet(channel: ByteChannel, options: ConnectionOptions): Promise<WorkerConnection> {
  const fail: WireFailure = (reason, cause) => connectionBroken(channel.name, reason, channel.said(), cause);
  const reader = new WireReader(channel.input, fail);
  await channel.write(new WireWriter()
    .number(workerMagic.client).number(workerMajor * 256 + newestWorkerMinor).take());
  const magic = await firstWord(reader, channel);
  if (magic !== workerMagic.server) {
    channel.end();
    throw protocolMismatch(channel.name, 'nix-daemon', reader.beginning);
  }
  const theirs = await reader.number();
  const shown = `${theirs >> 8}.${theirs & 0xff}`;
  if (theirs >> 8 !== workerMajor) throw peerTooNew(channel.name, shown);
  const minor = Math.min(theirs & 0xff, newestWorkerMinor);
  if (minor < oldestWorkerMinor) {
    throw peerTooOld(channel.name, shown, `${workerMajor}.${oldestWorkerMinor} or newer`);
  }
  let features: readonly string[] = [];
  if (minor >= 38) {
    await channel.write(new WireWriter().texts([...workerFeatures].sort()).take());
    features = (await reader.texts()).filter((feature) => workerFeatures.includes(feature));
  }
  // Two words that have lost their meaning: processors to run on, and space to reserve.
  await channel.write(new WireWriter().number(0).number(0).take());
  const daemonVersion = minor >= 33 ? await reader.text() : undefined;
  const trust = minor >= 35 ? await reader.number() : 0;
  const values = new ProtocolValues(
    { protocol: 'worker', minor, features: new Set(features) }, options.storeDirectory);
  await new RemoteMessages(channel.name, {}).hear(reader, fail);
  return new WorkerConnection(channel, reader, fail, {
    values, daemonVersion, trustsUs: trust === 0 ? undefined : trust === 1,
  });
}

/** The first word, or why there is none. */
async function firstWord(reader: WireReader, channel: ByteChannel): Promise<number> {
  const word = await reader.wideNumber().catch((error: unknown) => {
    // A few words in place of the protocol say what is wrong.
    throw reader.beginning === '' ? error : protocolMismatch(channel.name, 'nix-daemon', reader.beginning);
  });
  return word > 0xffff_ffffn ? 0 : Number(word);
}
