/**
 * `DaemonPeer`: a store that a daemon serves by the worker protocol, over a socket or ssh.
 *
 * Each operation takes a connection that is free or opens one; a connection that broke is left
 * behind. What a daemon does not know is said before anything is sent.
 */

import { noProgress, type HashAlgorithm, type Progress } from '#base';
import {
  formatMethodAlgorithm, type Derivation, type IngestionMethod, type StorePath,
} from '#formats';
import type { Realisation, ValidPathInfo } from '../store.ts';
import type { ByteChannel } from './channel.ts';
import { featureMissing, pathNotAtPeer } from './errors.ts';
import type { AddPathsOptions, BuildPeer, OfferedPath, RemoteBuildOptions } from './peer.ts';
import {
  featureDeleteReferrers, featureRealisationWithPath, plainResult, ProtocolValues,
  type BuildResult, type Buildable,
} from './protocol-values.ts';
import { WireWriter, type WireReader } from './wire.ts';
import { WorkerConnection, type OperationOptions } from './worker-connection.ts';
import {
  buildModes, garbageActions, operations, type GarbageAction, type WorkerOptions,
} from './worker-operations.ts';

export interface DaemonPeerOptions {
  readonly name: string;
  readonly storeDirectory: string;
  readonly connect: () => Promise<ByteChannel>;
  readonly options?: WorkerOptions;
  readonly progress?: Progress;
  readonly handshakeSeconds?: number;
  /** Connections at once. Default: 4. */
  readonly connections?: number;
}

/** What a daemon says that it would do. */
export interface MissingPaths {
  readonly willBuild: readonly StorePath[];
  readonly willSubstitute: readonly StorePath[];
  readonly unknown: readonly StorePath[];
  readonly downloadBytes: number;
  readonly narBytes: number;
}

export interface GarbageRequest {
  readonly action: GarbageAction;
  readonly paths?: readonly StorePath[];
  readonly ignoreLiveness?: boolean;
  readonly maximumFreedBytes?: number;
}

type Write = (writer: WireWriter, values: ProtocolValues) => void;
type Read<T> = (reader: WireReader, values: ProtocolValues) => Promise<T>;

/** 2^63 - 1, which means no limit. */
const unlimited = 0x7fff_ffff_ffff_ffffn;

export class DaemonPeer implements BuildPeer {
  readonly name: string;
  readonly storeDirectory: string;
  readonly #options: DaemonPeerOptions;
  readonly #idle: WorkerConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #trustsUs: boolean | undefined;
  #daemonVersion: string | undefined;

  constructor(options: DaemonPeerOptions) {
    this.name = options.name;
    this.storeDirectory = options.storeDirectory;
    this.#options = options;
  }

  get trustsUs(): boolean | undefined {
    return this.#trustsUs;
  }

  /** As the daemon says; known after the first operation. */
  get daemonVersion(): string | undefined {
    return this.#daemonVersion;
  }

  /** Opens a connection, to learn whether it can be done. */
  async connect(): Promise<void> {
    this.#release(await this.#take());
  }

  isValidPath(path: StorePath): Promise<boolean> {
    return this.#run(operations.isValidPath, (writer) => writer.text(path), (reader) => reader.flag());
  }

  async queryValidPaths(paths: readonly StorePath[], options: { substitute?: boolean } = {}): Promise<Set<StorePath>> {
    return new Set(await this.#run(operations.queryValidPaths, (writer, { version }) => {
      writer.texts(paths);
      if (version.minor >= 27) writer.flag(options.substitute ?? false);
    }, (reader, values) => values.paths(reader)));
  }

  queryAllValidPaths(): Promise<StorePath[]> {
    return this.#queryPaths(operations.queryAllValidPaths, () => {});
  }

  /** `undefined` if the path is not valid there. */
  queryPathInfo(path: StorePath): Promise<ValidPathInfo | undefined> {
    return this.#run(operations.queryPathInfo, (writer) => writer.text(path), async (reader, values) =>
      (await reader.flag() ? values.info(reader, path) : undefined));
  }

  async queryPathInfos(paths: readonly StorePath[]): Promise<Map<StorePath, ValidPathInfo>> {
    const infos = new Map<StorePath, ValidPathInfo>();
    for (const path of paths) {
      const info = await this.queryPathInfo(path);
      if (info !== undefined) infos.set(path, info);
    }
    return infos;
  }

  queryReferrers(path: StorePath): Promise<StorePath[]> {
    return this.#queryPaths(operations.queryReferrers, (writer) => writer.text(path));
  }

  queryDerivers(path: StorePath): Promise<StorePath[]> {
    return this.#queryPaths(operations.queryValidDerivers, (writer) => writer.text(path));
  }

  querySubstitutablePaths(paths: readonly StorePath[]): Promise<StorePath[]> {
    return this.#queryPaths(operations.querySubstitutablePaths, (writer) => writer.texts(paths));
  }

  /** Outputs by name; undefined for those that are not known yet. */
  queryDerivationOutputs(drvPath: StorePath): Promise<Map<string, StorePath | undefined>> {
    return this.#run(operations.queryDerivationOutputMap, (writer) => writer.text(drvPath), async (reader, values) =>
      new Map(await reader.list(async () => [await reader.text(), await values.optionalPath(reader)] as const)));
  }

  queryPathFromHashPart(hashPart: string): Promise<StorePath | undefined> {
    return this.#run(operations.queryPathFromHashPart, (writer) => writer.text(hashPart),
      (reader, values) => values.optionalPath(reader));
  }

  queryMissing(wanted: readonly Buildable[]): Promise<MissingPaths> {
    return this.#run(operations.queryMissing, writeBuildables(wanted), async (reader, values) => ({
      willBuild: await values.paths(reader), willSubstitute: await values.paths(reader),
      unknown: await values.paths(reader), downloadBytes: await reader.number(), narBytes: await reader.number(),
    }));
  }

  /** Adds what `contents` holds: the file itself for flat and text, its archive otherwise. */
  addToStore(
    name: string, address: { method: IngestionMethod; algorithm: HashAlgorithm },
    references: readonly StorePath[], contents: AsyncIterable<Uint8Array>, options: { repair?: boolean } = {},
  ): Promise<ValidPathInfo> {
    const { method, algorithm } = address;
    return this.#run(operations.addToStore, (writer) => {
      // The text method has its colon, the others their prefix, as in content addresses.
      writer.text(name)
        .text(method === 'text' ? `text:${algorithm}` : `fixed:${formatMethodAlgorithm(method, algorithm)}`)
        .texts(references).flag(options.repair ?? false);
    }, async (reader, values) => values.info(reader, await values.path(reader)), { contents });
  }

  /** Many at once, in the order in which each stands after what it refers to. */
  async addPaths(paths: readonly OfferedPath[], options: AddPathsOptions = {}): Promise<void> {
    if (paths.length === 0) return;
    const connection = await this.#take();
    const batched = connection.values.version.minor >= 32;
    this.#release(connection);
    if (!batched) {
      for (const offered of paths) await this.#addPath(offered, options);
      return;
    }
    const values = new ProtocolValues({ protocol: 'worker', minor: 16, features: new Set() }, this.storeDirectory);
    async function* contents(): AsyncGenerator<Uint8Array, void, void> {
      yield new WireWriter().number(paths.length).take();
      for (const { info, nar } of paths) {
        options.signal?.throwIfAborted();
        const writer = new WireWriter().text(info.path);
        values.writeInfo(writer, info);
        yield writer.take();
        yield* nar();
      }
    }
    await this.#run(operations.addMultipleToStore, (writer) => {
      writer.flag(options.repair ?? false).flag(options.withoutSignatures ?? false);
    }, async () => {}, { contents: contents(), signal: options.signal });
  }

  async *narOf(path: StorePath): AsyncGenerator<Uint8Array, void, void> {
    const connection = await this.#take();
    let whole = false;
    try {
      const valid = await connection.run(operations.isValidPath, (writer) => writer.text(path), (reader) => reader.flag());
      // A daemon that has begun to answer cannot say that there is nothing.
      if (!valid) {
        whole = true;
        throw pathNotAtPeer(this.name, path);
      }
      await connection.run(operations.narFromPath, (writer) => writer.text(path), async () => {}, this.#listening({}));
      yield* connection.reader.nar();
      whole = true;
    } finally {
      if (!whole) connection.close();
      this.#release(connection);
    }
  }

  async buildPaths(wanted: readonly Buildable[], options: RemoteBuildOptions = {}): Promise<BuildResult[]> {
    const mode = buildModes.indexOf(options.mode ?? 'normal');
    const connection = await this.#take();
    const { minor } = connection.values.version;
    this.#release(connection);
    const write: Write = (writer, values) => {
      writeBuildables(wanted)(writer, values);
      writer.number(mode);
    };
    if (minor < 34) {
      await this.#run(operations.buildPaths, write, (reader) => reader.number(), options);
      return wanted.map(() => plainResult('built'));
    }
    return this.#run(operations.buildPathsWithResults, write, (reader, values) => reader.list(async () => {
      await values.buildable(reader);
      return values.buildResult(reader);
    }), options);
  }

  buildDerivation(drvPath: StorePath, derivation: Derivation, options: RemoteBuildOptions = {}): Promise<BuildResult> {
    return this.#run(operations.buildDerivation, (writer, values) => {
      writer.text(drvPath);
      values.writeBasicDerivation(writer, derivation);
      writer.number(buildModes.indexOf(options.mode ?? 'normal'));
    }, (reader, values) => values.buildResult(reader), options);
  }

  async ensurePath(path: StorePath): Promise<void> {
    await this.#run(operations.ensurePath, (writer) => writer.text(path), (reader) => reader.number());
  }

  async addTemporaryRoot(path: StorePath): Promise<void> {
    await this.#run(operations.addTempRoot, (writer) => writer.text(path), (reader) => reader.number());
  }

  /** Registers a link, made by the caller, that leads to a store path. */
  async addIndirectRoot(link: string): Promise<void> {
    await this.#run(operations.addIndirectRoot, (writer) => writer.text(link), (reader) => reader.number());
  }

  /** Where each root stands, and what it keeps. */
  async findRoots(): Promise<Map<string, StorePath>> {
    return new Map(await this.#run(operations.findRoots, () => {}, (reader, values) =>
      reader.list(async () => [await reader.text(), await values.path(reader)] as const)));
  }

  collectGarbage(request: GarbageRequest): Promise<{ paths: string[]; freedBytes: number }> {
    return this.#run(operations.collectGarbage, (writer, { version }) => {
      const { action, paths = [] } = request;
      writer.number(garbageActions.indexOf(action));
      if (version.features.has(featureDeleteReferrers)) {
        // Chosen paths without what refers to them, or the whole store.
        if (action === 'delete-specific' || paths.length > 0) writer.number(0).texts(paths).number(0);
        else writer.number(1);
      } else {
        writer.texts(paths);
      }
      writer.flag(request.ignoreLiveness ?? false).number(request.maximumFreedBytes ?? unlimited)
        .number(0).number(0).number(0);
    }, async (reader) => {
      const paths = await reader.texts();
      const freedBytes = await reader.number();
      await reader.wideNumber();
      return { paths, freedBytes };
    });
  }

  async optimise(): Promise<void> {
    await this.#run(operations.optimiseStore, () => {}, (reader) => reader.number());
  }

  /** Whether everything is in order. */
  async verify(options: { checkContents?: boolean; repair?: boolean } = {}): Promise<boolean> {
    return !(await this.#run(operations.verifyStore, (writer) => {
      writer.flag(options.checkContents ?? false).flag(options.repair ?? false);
    }, (reader) => reader.flag()));
  }

  async addSignatures(path: StorePath, signatures: readonly string[]): Promise<void> {
    await this.#run(operations.addSignatures, (writer) => writer.text(path).texts(signatures), (reader) => reader.number());
  }

  async addBuildLog(drvPath: StorePath, log: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#run(operations.addBuildLog, (writer) => {
      writer.text(drvPath.slice(this.storeDirectory.length + 1));
    }, (reader) => reader.number(), { contents: log });
  }

  async registerRealisation(realisation: Realisation): Promise<void> {
    await this.#run(operations.registerDrvOutput, (writer, values) => {
      this.#needRealisations(values);
      writer.text(realisation.drvPath).text(realisation.output)
        .text(realisation.path).texts(realisation.signatures);
    }, async () => {});
  }

  queryRealisation(drvPath: StorePath, output: string): Promise<Realisation | undefined> {
    return this.#run(operations.queryRealisation, (writer, values) => {
      this.#needRealisations(values);
      writer.text(drvPath).text(output);
    }, async (reader, values) => {
      if (!(await reader.flag())) return undefined;
      return { drvPath, output, path: await values.path(reader), signatures: await reader.texts() };
    });
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  async #addPath({ info, nar }: OfferedPath, options: AddPathsOptions): Promise<void> {
    await this.#run(operations.addToStoreNar, (writer, values) => {
      writer.text(info.path);
      values.writeInfo(writer, info);
      writer.flag(options.repair ?? false).flag(options.withoutSignatures ?? false);
    }, async () => {}, { contents: nar(), signal: options.signal });
  }

  #needRealisations({ version }: ProtocolValues): void {
    if (!version.features.has(featureRealisationWithPath)) {
      throw featureMissing(this.name, featureRealisationWithPath, 'a content-addressed derivation');
    }
  }

  #queryPaths(operation: number, write: Write): Promise<StorePath[]> {
    return this.#run(operation, write, (reader, values) => values.paths(reader));
  }

  async #run<T>(operation: number, write: Write, read: Read<T>, options: OperationOptions = {}): Promise<T> {
    const connection = await this.#take();
    try {
      return await connection.run(operation, (writer) => write(writer, connection.values),
        (reader) => read(reader, connection.values), this.#listening(options));
    } finally {
      this.#release(connection);
    }
  }

  #listening(options: OperationOptions): OperationOptions {
    return { progress: this.#options.progress ?? noProgress, ...options };
  }

  async #take(): Promise<WorkerConnection> {
    for (;;) {
      const free = this.#idle.pop();
      if (free?.usable === true) return free;
      if (free !== undefined) this.#open -= 1;
      else if (this.#open < (this.#options.connections ?? 4)) return this.#connect();
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #connect(): Promise<WorkerConnection> {
    this.#open += 1;
    try {
      const { connect, storeDirectory, options, handshakeSeconds } = this.#options;
      const connection = await WorkerConnection.open(await connect(), {
        storeDirectory, ...(options === undefined ? {} : { options }),
        ...(handshakeSeconds === undefined ? {} : { handshakeSeconds }),
      });
      this.#trustsUs = connection.trustsUs;
      this.#daemonVersion = connection.daemonVersion;
      return connection;
    } catch (error) {
      this.#open -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }

  #release(connection: WorkerConnection): void {
    if (connection.usable) this.#idle.push(connection);
    else this.#open -= 1;
    this.#waiting.shift()?.();
  }
}

function writeBuildables(wanted: readonly Buildable[]): Write {
  return (writer, values) => writer.texts(wanted.map((one) => values.formatBuildable(one)));
}
