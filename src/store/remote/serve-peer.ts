/**
 * `ServePeer`: a store behind `nix-store --serve`, the older protocol that `ssh://` stores speak.
 *
 * It has no messages: what goes wrong at the other end ends the connection, and its standard error
 * says why. One request at a time; the next waits.
 */

import { encodeHex } from '#base';
import { formatContentAddress, type Derivation, type StorePath } from '#formats';
import type { ValidPathInfo } from '../store.ts';
import type { ByteChannel } from './channel.ts';
import {
  connectionBroken, handshakeTimedOut, operationUnsupported, pathNotAtPeer, peerTooNew, peerTooOld, protocolMismatch,
} from './errors.ts';
import type { AddPathsOptions, BuildPeer, OfferedPath, RemoteBuildOptions } from './peer.ts';
import {
  buildStatuses, plainResult, ProtocolValues, type BuildResult, type Buildable,
} from './protocol-values.ts';
import { serveCommands, serveMagic, serveMajor, newestServeMinor, oldestServeMinor } from './serve-commands.ts';
import { WireReader, WireWriter } from './wire.ts';

export interface ServePeerOptions {
  readonly name: string;
  readonly storeDirectory: string;
  readonly connect: () => Promise<ByteChannel>;
  readonly handshakeSeconds?: number;
  readonly maxSilentSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly keepFailed?: boolean;
}

interface Connection {
  readonly channel: ByteChannel;
  readonly reader: WireReader;
  readonly values: ProtocolValues;
}

const defaultHandshakeSeconds = 60;

export class ServePeer implements BuildPeer {
  readonly name: string;
  readonly storeDirectory: string;
  /** The protocol does not say. */
  readonly trustsUs = undefined;
  readonly #options: ServePeerOptions;
  #connection: Promise<Connection> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ServePeerOptions) {
    this.name = options.name;
    this.storeDirectory = options.storeDirectory;
    this.#options = options;
  }

  /** Opens the connection, to learn whether it can be done. */
  async connect(): Promise<void> {
    await this.#open();
  }

  async queryValidPaths(paths: readonly StorePath[], options: { substitute?: boolean } = {}): Promise<Set<StorePath>> {
    return this.#run(async ({ channel, reader, values }) => {
      // Locked: what is there already must stay until the rest has come.
      await channel.write(new WireWriter().number(serveCommands.queryValidPaths)
        .flag(true).flag(options.substitute ?? false).texts(paths).take());
      return new Set(await values.paths(reader));
    });
  }

  async queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>> {
    return this.#run(async ({ channel, reader, values }) => {
      await channel.write(new WireWriter().number(serveCommands.queryPathInfos).texts(paths).take());
      const infos = new Map<StorePath, ValidPathInfo>();
      for (let path = await values.optionalPath(reader); path !== undefined; path = await values.optionalPath(reader)) {
        infos.set(path, await values.serveInfo(reader, path));
      }
      return infos;
    });
  }

  /** All that the paths refer to, known there. */
  async queryClosure(paths: readonly StorePath[], options: { includeOutputs?: boolean } = {}): Promise<StorePath[]> {
    return this.#run(async ({ channel, reader, values }) => {
      await channel.write(new WireWriter().number(serveCommands.queryClosure)
        .flag(options.includeOutputs ?? false).texts(paths).take());
      return values.paths(reader);
    });
  }

  async *narOf(path: StorePath): AsyncGenerator<Uint8Array, void, void> {
    // A server that has begun to answer cannot say that there is nothing.
    if (!(await this.queryValidPaths([path])).has(path)) throw pathNotAtPeer(this.name, path);
    let done: () => void = () => {};
    const turn = this.#last;
    this.#last = new Promise<void>((resolve) => { done = resolve; });
    let whole = false;
    try {
      await turn.catch(() => {});
      const { channel, reader } = await this.#open();
      await channel.write(new WireWriter().number(serveCommands.dumpStorePath).text(path).take());
      yield* reader.nar();
      whole = true;
    } finally {
      if (!whole) this.close();
      done();
    }
  }

  async addPaths(paths: readonly OfferedPath[], options: AddPathsOptions = {}): Promise<void> {
    for (const { info, nar } of paths) {
      await this.#run(async ({ channel, reader }) => {
        await channel.write(new WireWriter().number(serveCommands.addToStoreNar).text(info.path)
          .text(info.deriver ?? '').text(encodeHex(info.narHash.bytes)).texts(info.references)
          .number(info.registrationTime).number(info.narSizeBytes).flag(info.ultimate).texts(info.signatures)
          .text(info.contentAddress === undefined ? '' : formatContentAddress(info.contentAddress)).take());
        for await (const piece of nar()) await channel.write(piece.slice());
        if (await reader.number() !== 1) throw connectionBroken(this.name, `it did not take '${info.path}'`, channel.said());
      }, options.signal);
    }
  }

  buildDerivation(drvPath: StorePath, derivation: Derivation, options: RemoteBuildOptions = {}): Promise<BuildResult> {
    if ((options.mode ?? 'normal') !== 'normal') throw operationUnsupported(this.name, 'repair or check');
    return this.#run(async ({ channel, reader, values }) => {
      const writer = new WireWriter().number(serveCommands.buildDerivation).text(drvPath);
      values.writeBasicDerivation(writer, derivation);
      this.#writeBuildOptions(writer, values);
      // The log of a build is what the other end prints.
      channel.listen(options.log);
      await channel.write(writer.take());
      return values.buildResult(reader);
    }, options.signal);
  }

  buildPaths(wanted: readonly Buildable[], options: RemoteBuildOptions = {}): Promise<BuildResult[]> {
    if ((options.mode ?? 'normal') !== 'normal') throw operationUnsupported(this.name, 'repair or check');
    return this.#run(async ({ channel, reader, values }) => {
      const writer = new WireWriter().number(serveCommands.buildPaths)
        .texts(wanted.map((one) => values.formatBuildable(one)));
      this.#writeBuildOptions(writer, values);
      channel.listen(options.log);
      await channel.write(writer.take());
      const status = buildStatuses[await reader.number()] ?? 'misc-failure';
      const failed = !['built', 'substituted', 'already-valid', 'resolves-to-already-valid'].includes(status);
      const message = failed ? await reader.text() : '';
      return wanted.map(() => plainResult(status, message));
    }, options.signal);
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.then(({ channel }) => channel.close(), () => {});
  }

  #writeBuildOptions(writer: WireWriter, { version }: ProtocolValues): void {
    const { maxSilentSeconds = 0, timeoutSeconds = 0, keepFailed = false } = this.#options;
    writer.number(maxSilentSeconds).number(timeoutSeconds).number(0).number(0).number(0);
    if (version.minor >= 7) writer.flag(keepFailed);
  }

  /** One request after the other; a broken one closes the connection. */
  #run<T>(work: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const run = async (): Promise<T> => {
      signal?.throwIfAborted();
      const abort = (): void => this.close();
      signal?.addEventListener('abort', abort);
      try {
        return await work(await this.#open());
      } catch (error) {
        this.close();
        signal?.throwIfAborted();
        throw error;
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    };
    const result = this.#last.then(run, run);
    this.#last = result;
    return result;
  }

  #open(): Promise<Connection> {
    this.#connection ??= greet(this.#options);
    return this.#connection;
  }
}

async function greet(options: ServePeerOptions): Promise<Connection> {
  const channel = await options.connect();
  const { name } = channel;
  const seconds = options.handshakeSeconds ?? defaultHandshakeSeconds;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    channel.close();
  }, seconds * 1000);
  const reader = new WireReader(channel.input, (reason, cause) => connectionBroken(name, reason, channel.said(), cause));
  try {
    await channel.write(new WireWriter().number(serveMagic.client).number(serveMajor * 256 + newestServeMinor).take());
    const magic = await reader.wideNumber().catch((error: unknown) => {
      throw reader.beginning === '' ? error : protocolMismatch(name, 'nix-store --serve', reader.beginning);
    });
    if (magic !== BigInt(serveMagic.server)) throw protocolMismatch(name, 'nix-store --serve', reader.beginning);
    const theirs = await reader.number();
    const shown = `${theirs >> 8}.${theirs & 0xff}`;
    if (theirs >> 8 !== serveMajor) throw peerTooNew(name, shown);
    const minor = Math.min(theirs & 0xff, newestServeMinor);
    if (minor < oldestServeMinor) throw peerTooOld(name, shown, `${serveMajor}.${oldestServeMinor} or newer`);
    return {
      channel, reader,
      values: new ProtocolValues({ protocol: 'serve', minor, features: new Set() }, options.storeDirectory),
    };
  } catch (error) {
    channel.close();
    throw late ? handshakeTimedOut(name, seconds) : error;
  } finally {
    clearTimeout(timer);
  }
}
