/**
 * Serves a store as a binary cache over HTTP: `nix-cache-info`, narinfo files, listings, and NARs,
 * made as they are asked for.
 *
 * A NAR's URL holds the hash that it is described by, so that an answer never changes under its
 * name. NARs are sent as they are, or compressed by zstd; of those sent as they are a reader may
 * ask for the rest. Stopping waits for running answers a while. *Invariant:* only GET and HEAD are
 * answered, and nothing but valid paths of the store can be read.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeUtf8, formatHash } from '#base';
import { formatNarInfo, hashPartOf, signPath, type NamedKey, type StorePath } from '#formats';
import type { Store, ValidPathInfo } from '../store.ts';
import { formatCacheInfo } from './cache-info.ts';
import { compressNar } from './compression.ts';
import { cannotListen } from './errors.ts';
import { formatListing, ListingBuilder } from './nar-listing.ts';

export interface CacheServerOptions {
  readonly host: string;
  /** Zero: one that is free. */
  readonly port: number;
  readonly priority?: number;
  readonly compression?: 'none' | 'zstd';
  /** Sign what is served. */
  readonly secretKeys?: readonly NamedKey[];
  /** Told of each answer. */
  readonly log?: (line: string) => void;
}

/** Between cache.nixos.org's 40 and nothing: what is near is asked first. */
const defaultServedPriority = 30;
const stopMilliseconds = 10_000;

export class CacheServer {
  readonly #store: Store;
  readonly #options: CacheServerOptions;
  readonly #server: Server;

  private constructor(store: Store, options: CacheServerOptions, server: Server) {
    this.#store = store;
    this.#options = options;
    this.#server = server;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  /** Listens until `stop`. Throws CANNOT_LISTEN. */
  static async start(store: Store, options: CacheServerOptions): Promise<CacheServer> {
    const { createServer } = await import('node:http');
    const server = createServer({ requestTimeout: 30_000, maxHeaderSize: 16_384 });
    const self = new CacheServer(store, options, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(`${options.host}:${options.port}`, error)));
      server.listen(options.port, options.host, resolve);
    });
    return self;
  }

  /** Without trailing slash. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Takes no more requests; ends when the running ones are answered, or after a while. */
  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), stopMilliseconds);
    await stopped;
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] as string;
    response.once('close', () => {
      this.#options.log?.(`${request.method} ${path} ${response.writableFinished ? response.statusCode : 'broken off'}`);
    });
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 }).end();
      } else if (!(await this.#route(path, request, response))) {
        text(request, response, 404, 'there is no such file in this binary cache\n');
      }
    } catch (error) {
      // What was promised cannot be kept: the reader must see that it is not whole.
      if (response.headersSent) response.destroy(error as Error);
      else text(request, response, 500, 'the path cannot be read\n');
    }
  }

  async #route(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (path === '/nix-cache-info') {
      text(request, response, 200, formatCacheInfo({
        storeDirectory: this.#store.storeDirectory, wantMassQuery: true,
        priority: this.#options.priority ?? defaultServedPriority,
      }));
      return true;
    }
    const about = /^\/([0-9a-df-np-sv-z]{32})\.(narinfo|ls)$/.exec(path);
    if (about !== null) {
      const info = this.#find(about[1] as string);
      if (info === undefined) return false;
      if (about[2] === 'narinfo') text(request, response, 200, this.#describe(info), 'text/x-nix-narinfo');
      else text(request, response, 200, await this.#list(info.path), 'application/json');
      return true;
    }
    const nar = /^\/nar\/([0-9a-df-np-sv-z]{32})-([0-9a-df-np-sv-z]{52})\.nar(\.zst)?$/.exec(path);
    const info = nar === null ? undefined : this.#find(nar[1] as string);
    if (nar === null || info === undefined || formatHash(info.narHash, 'nix32') !== nar[2]) return false;
    await this.#sendNar(info, nar[3] === undefined ? 'none' : 'zstd', request, response);
    return true;
  }

  #find(hashPart: string): ValidPathInfo | undefined {
    const path: StorePath | undefined = this.#store.queryPathFromHashPart(hashPart);
    return path === undefined ? undefined : this.#store.queryPathInfo(path);
  }

  async #list(path: StorePath): Promise<string> {
    const builder = new ListingBuilder();
    for await (const piece of this.#store.narOf(path)) builder.take(piece);
    return encodeUtf8(formatListing(builder.finish()));
  }

  #describe(info: ValidPathInfo): string {
    const compression = this.#options.compression ?? 'none';
    const signatures = new Set([...info.signatures, ...(this.#options.secretKeys ?? []).map((key) => signPath(info, key))]);
    const name = `${hashPartOf(info.path)}-${formatHash(info.narHash, 'nix32')}`;
    return formatNarInfo({
      ...info, signatures: [...signatures].sort(), compression,
      url: `nar/${name}.nar${compression === 'zstd' ? '.zst' : ''}`,
      ...(compression === 'none' ? { fileHash: info.narHash, fileSizeBytes: info.narSizeBytes } : {}),
    });
  }

  async #sendNar(
    info: ValidPathInfo, compression: string, request: IncomingMessage, response: ServerResponse,
  ): Promise<void> {
    let skip = 0;
    const headers: Record<string, string | number> = { 'content-type': 'application/x-nix-nar' };
    if (compression === 'none') {
      headers['etag'] = `"${formatHash(info.narHash, 'nix32')}"`;
      headers['accept-ranges'] = 'bytes';
      skip = rangeStart(request, headers['etag'], info.narSizeBytes);
      headers['content-length'] = info.narSizeBytes - skip;
      if (skip > 0) headers['content-range'] = `bytes ${skip}-${info.narSizeBytes - 1}/${info.narSizeBytes}`;
    }
    response.writeHead(skip > 0 ? 206 : 200, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    for await (const piece of compressNar(compression, this.#store.narOf(info.path))) {
      if (response.destroyed) return;
      const rest = piece.length <= skip ? undefined : piece.subarray(skip);
      skip = Math.max(0, skip - piece.length);
      if (rest !== undefined && !response.write(rest)) await drained(response);
    }
    response.end();
  }
}

/** Where to begin; zero if everything is wanted, or what is wanted is not understood. */
function rangeStart(request: IncomingMessage, tag: string, length: number): number {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== tag) return 0;
  const start = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  return start < length ? start : 0;
}

function text(
  request: IncomingMessage, response: ServerResponse, status: number, body: string, type = 'text/plain',
): void {
  const bytes = Buffer.from(body, 'latin1');
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Waits until more can be written, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}
