/**
 * `nix-store --serve`: the other end of an `ssh://` store.
 *
 * Whoever logs in by ssh has the rights of this user, so nothing is asked for a signature; without
 * `--write` nothing is changed. An error ends the conversation, and standard error says why: the
 * protocol has no word for it, but for the failure of a build.
 */

import { UserError, parseHash } from '#base';
import {
  derivationExtension, knownOutputPath, nameOf, parseContentAddress, type Derivation, type StorePath,
} from '#formats';
import { importFrom } from '../export-paths.ts';
import type { ValidPathInfo } from '../store.ts';
import type { ByteChannel } from './channel.ts';
import { connectionBroken, pathNotAtPeer, peerTooOld, protocolMismatch, writingNotAllowed } from './errors.ts';
import { buildStatuses, ProtocolValues, succeeded } from './protocol-values.ts';
import { newestServeMinor, oldestServeMinor, serveCommands, serveMagic, serveMajor } from './serve-commands.ts';
import type { ServiceRequest, StoreService } from './store-service.ts';
import { WireReader, WireWriter, type WireFailure } from './wire.ts';

export interface ServeOptions {
  /** Whether the client may add and build. */
  readonly writable: boolean;
  readonly signal?: AbortSignal;
  /** Hears builders' lines too. */
  readonly progress: ServiceRequest['progress'];
}

/** Serves until the client leaves. */
export async function serveStore(channel: ByteChannel, service: StoreService, options: ServeOptions): Promise<void> {
  const fail: WireFailure = (reason, cause) => connectionBroken(channel.name, reason, '', cause);
  const reader = new WireReader(channel.input, fail);
  if (await reader.number() !== serveMagic.client) throw protocolMismatch(channel.name, 'a Nix client', reader.beginning);
  await channel.write(new WireWriter().number(serveMagic.server).number(serveMajor * 256 + newestServeMinor).take());
  const theirs = await reader.number();
  const minor = Math.min(theirs & 0xff, newestServeMinor);
  if (theirs >> 8 !== serveMajor || minor < oldestServeMinor) {
    throw peerTooOld(channel.name, `${theirs >> 8}.${theirs & 0xff}`, `${serveMajor}.${oldestServeMinor}`);
  }
  const values = new ProtocolValues(
    { protocol: 'serve', minor, features: new Set() }, service.store.storeDirectory);
  const session = new ServeSession(channel, reader, values, service, options);
  while (!(await reader.atEnd())) {
    options.signal?.throwIfAborted();
    await session.answer(await reader.number());
  }
}

class ServeSession {
  readonly #channel: ByteChannel;
  readonly #reader: WireReader;
  readonly #values: ProtocolValues;
  readonly #service: StoreService;
  readonly #options: ServeOptions;

  constructor(
    channel: ByteChannel, reader: WireReader, values: ProtocolValues, service: StoreService, options: ServeOptions,
  ) {
    this.#channel = channel;
    this.#reader = reader;
    this.#values = values;
    this.#service = service;
    this.#options = options;
  }

  async answer(command: number): Promise<void> {
    switch (command) {
      case serveCommands.queryValidPaths: return this.#queryValidPaths();
      case serveCommands.queryPathInfos: return this.#queryPathInfos();
      case serveCommands.dumpStorePath: return this.#dump(await this.#values.path(this.#reader));
      case serveCommands.importPaths: return this.#import();
      case serveCommands.buildPaths: return this.#buildPaths();
      case serveCommands.queryClosure: return this.#queryClosure();
      case serveCommands.buildDerivation: return this.#buildDerivation();
      case serveCommands.addToStoreNar: return this.#addPath();
      default: throw connectionBroken(this.#channel.name, `the unknown command ${command}`, '');
    }
  }

  async #queryValidPaths(): Promise<void> {
    const lock = await this.#reader.flag();
    const substitute = await this.#reader.flag();
    const paths = await this.#values.paths(this.#reader);
    const { store } = this.#service;
    if (lock && this.#options.writable) for (const path of paths) store.addTemporaryRoot(path);
    const missing = paths.filter((path) => !store.isValidPath(path));
    if (substitute && this.#options.writable && missing.length > 0) {
      await this.#service.substitute(missing, this.#request(new Map()));
    }
    await this.#send(new WireWriter().texts(paths.filter((path) => store.isValidPath(path))));
  }

  async #queryPathInfos(): Promise<void> {
    const writer = new WireWriter();
    for (const path of await this.#values.paths(this.#reader)) {
      const info = this.#service.store.queryPathInfo(path);
      if (info === undefined) continue;
      writer.text(path);
      this.#values.writeServeInfo(writer, info);
    }
    await this.#send(writer.text(''));
  }

  async #dump(path: StorePath): Promise<void> {
    if (!this.#service.store.isValidPath(path)) throw pathNotAtPeer('local', path);
    for await (const piece of this.#service.store.narOf(path)) await this.#channel.write(piece.slice());
  }

  async #import(): Promise<void> {
    this.#checkWritable('importing paths');
    await importFrom(this.#service.store, this.#reader, this.#options.progress);
    await this.#send(new WireWriter().number(1));
  }

  async #buildPaths(): Promise<void> {
    this.#checkWritable('building paths');
    const wanted = (await this.#reader.texts()).map((text) => this.#values.parseBuildable(text));
    const request = this.#request(await this.#buildSettings());
    const results = await this.#service.buildPaths(wanted, request);
    const failure = results.find((result) => !succeeded(result));
    await this.#send(failure === undefined ? new WireWriter().number(0)
      : new WireWriter().number(buildStatuses.indexOf(failure.status)).text(failure.message));
  }

  async #buildDerivation(): Promise<void> {
    this.#checkWritable('building paths');
    const drvPath = await this.#values.path(this.#reader);
    const derivation = await this.#values.basicDerivation(this.#reader, derivationName(drvPath));
    const request = this.#request(await this.#buildSettings());
    const writer = new WireWriter();
    this.#values.writeBuildResult(writer, await this.#service.buildDerivation(drvPath, derivation, request));
    await this.#send(writer);
  }

  async #queryClosure(): Promise<void> {
    const includeOutputs = await this.#reader.flag();
    const paths = await this.#values.paths(this.#reader);
    const { store } = this.#service;
    let closure = store.closureOf(paths);
    if (includeOutputs) {
      const outputs = closure.filter((path) => path.endsWith(derivationExtension))
        .flatMap((path) => outputsOf(store.readDerivation(path))).filter((path) => store.isValidPath(path));
      closure = store.closureOf([...closure, ...outputs]);
    }
    await this.#send(new WireWriter().texts(closure));
  }

  async #addPath(): Promise<void> {
    this.#checkWritable('importing paths');
    const path = await this.#values.path(this.#reader);
    const deriver = await this.#values.optionalPath(this.#reader);
    const narHash = parseHash(await this.#reader.text(), 'sha256');
    const references = (await this.#values.paths(this.#reader)).sort();
    const registrationTime = await this.#reader.number();
    const narSizeBytes = await this.#reader.number();
    const ultimate = await this.#reader.flag();
    const signatures = await this.#reader.texts();
    const address = await this.#reader.text();
    const info: ValidPathInfo = {
      path, narHash, references, registrationTime, narSizeBytes, ultimate, signatures,
      ...(deriver === undefined ? {} : { deriver }),
      ...(address === '' ? {} : { contentAddress: parseContentAddress(address) }),
    };
    await this.#service.store.addNar(info, this.#reader.sized(narSizeBytes), this.#options.progress);
    await this.#send(new WireWriter().number(1));
  }

  async #buildSettings(): Promise<Map<string, string>> {
    const names = ['max-silent-time', 'timeout', 'max-build-log-size'];
    const settings = new Map<string, string>([['substitute', 'false']]);
    for (const name of names) settings.set(name, String(await this.#reader.number()));
    // Repeated builds, which nobody asks for any more, and whether they must agree.
    if (await this.#reader.number() !== 0) throw connectionBroken(this.#channel.name, 'builds cannot be repeated', '');
    await this.#reader.number();
    if (this.#values.version.minor >= 7) settings.set('keep-failed', String(await this.#reader.flag()));
    return settings;
  }

  #request(settings: ReadonlyMap<string, string>): ServiceRequest {
    const gone = new AbortController();
    this.#reader.watch(() => gone.abort(new UserError('CLIENT_GONE', 'the client has disconnected')));
    const { signal } = this.#options;
    return {
      mode: 'normal', settings, progress: this.#options.progress,
      signal: signal === undefined ? gone.signal : AbortSignal.any([gone.signal, signal]),
    };
  }

  #checkWritable(action: string): void {
    if (!this.#options.writable) throw writingNotAllowed(action);
  }

  #send(writer: WireWriter): Promise<void> {
    return this.#channel.write(writer.take());
  }
}

function derivationName(drvPath: StorePath): string {
  return nameOf(drvPath).replace(/\.drv$/, '');
}

function outputsOf(derivation: Derivation): StorePath[] {
  return [...derivation.outputs.values()].map(knownOutputPath).filter((path) => path !== undefined);
}
