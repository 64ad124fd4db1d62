/**
 * A daemon: the other end of the worker protocol, over a socket or standard input and output.
 *
 * One session serves one client, one operation after the other. An error in an operation is told
 * to the client and the session goes on; an error in what the client sends ends it. Whoever
 * reaches us is this user, so every client is trusted unless `trusted` says otherwise: the socket
 * stands in a folder that nobody else may enter, and ssh has asked who it is.
 */

import { UserError } from '#base';
import type { ByteChannel } from './channel.ts';
import { connectionBroken, peerTooOld, protocolMismatch } from './errors.ts';
import { ProtocolValues } from './protocol-values.ts';
import type { ServiceRequest, StoreService } from './store-service.ts';
import { Tunnel } from './tunnel.ts';
import { WireReader, WireWriter, type WireFailure } from './wire.ts';
import { handlers } from './worker-handlers.ts';
import {
  newestWorkerMinor, oldestWorkerMinor, workerFeatures, workerMagic, workerMajor,
} from './worker-operations.ts';

export interface DaemonOptions {
  /** Whether clients may do what needs trust. Default: true. */
  readonly trusted?: boolean;
  readonly signal?: AbortSignal;
}

/** Serves one client until it leaves. */
export async function serveDaemon(
  channel: ByteChannel, service: StoreService, options: DaemonOptions = {},
): Promise<void> {
  const fail: WireFailure = (reason, cause) => connectionBroken(channel.name, reason, '', cause);
  const reader = new WireReader(channel.input, fail);
  if (await reader.number() !== workerMagic.client) throw protocolMismatch(channel.name, 'a Nix client', reader.beginning);
  await channel.write(new WireWriter().number(workerMagic.server).number(workerMajor * 256 + newestWorkerMinor).take());
  const theirs = await reader.number();
  const minor = Math.min(theirs & 0xff, newestWorkerMinor);
  if (theirs >> 8 !== workerMajor || minor < oldestWorkerMinor) {
    throw peerTooOld(channel.name, `${theirs >> 8}.${theirs & 0xff}`, `${workerMajor}.${oldestWorkerMinor}`);
  }
  let features: string[] = [];
  if (minor >= 38) {
    features = (await reader.texts()).filter((feature) => workerFeatures.includes(feature));
    await channel.write(new WireWriter().texts([...workerFeatures].sort()).take());
  }
  // Two words that have lost their meaning: a processor to run on, and space to reserve.
  if (await reader.flag()) await reader.number();
  await reader.number();
  const trusted = options.trusted ?? true;
  const greeting = new WireWriter();
  if (minor >= 33) greeting.text(service.version);
  if (minor >= 35) greeting.number(trusted ? 1 : 2);
  await channel.write(greeting.take());
  const values = new ProtocolValues(
    { protocol: 'worker', minor, features: new Set(features) }, service.store.storeDirectory);
  await new WorkerSession(channel, reader, values, service, { ...options, trusted }).serve();
}

/** What an operation works with. */
export class WorkerSession {
  readonly reader: WireReader;
  readonly values: ProtocolValues;
  readonly service: StoreService;
  readonly trusted: boolean;
  readonly tunnel: Tunnel;
  readonly channel: ByteChannel;
  readonly fail: WireFailure;
  /** What the client has set. */
  readonly settings = new Map<string, string>();
  readonly #signal: AbortSignal | undefined;

  constructor(
    channel: ByteChannel, reader: WireReader, values: ProtocolValues, service: StoreService,
    options: DaemonOptions & { readonly trusted: boolean },
  ) {
    this.channel = channel;
    this.reader = reader;
    this.fail = (reason, cause) => connectionBroken(channel.name, reason, '', cause);
    this.values = values;
    this.service = service;
    this.trusted = options.trusted;
    this.#signal = options.signal;
    this.tunnel = new Tunnel(channel);
  }

  async serve(): Promise<void> {
    this.tunnel.startWork();
    await this.tunnel.stopWork();
    while (!(await this.reader.atEnd())) {
      this.#signal?.throwIfAborted();
      const operation = await this.reader.number();
      try {
        const handler = handlers.get(operation);
        if (handler === undefined) throw new UserError('INVALID_OPERATION', `invalid operation ${operation}`);
        await handler(this);
      } catch (error) {
        const inOrder = this.tunnel.atWork;
        await this.tunnel.stopWork(error as Error);
        // Before the work, the fault is in what was sent: nobody knows where the next word begins.
        if (!inOrder || (error as UserError).code === 'CONNECTION_BROKEN') throw error;
      }
    }
  }

  /** Does the work of an operation, all of which has been read; the answer follows. */
  async work<T>(action: () => T | Promise<T>): Promise<T> {
    this.tunnel.startWork();
    const result = await action();
    await this.tunnel.stopWork();
    return result;
  }

  answer(writer: WireWriter): Promise<void> {
    return this.channel.write(writer.take());
  }

  /** What a build or a download gets; it ends when the client leaves. */
  request(mode: ServiceRequest['mode'] = 'normal'): ServiceRequest {
    const gone = new AbortController();
    this.reader.watch(() => gone.abort(new UserError('CLIENT_GONE', 'the client has disconnected')));
    return {
      mode, settings: this.settings, progress: this.tunnel,
      signal: this.#signal === undefined ? gone.signal : AbortSignal.any([gone.signal, this.#signal]),
    };
  }
}
